"""The fixed settings of the private Asterisk: measured to start in half a second and to stall no call."""

EMPTY = "; empty on purpose: Asterisk complains when it isn't there\n"
EMPTY_FILES = ("acl", "ccss", "features", "pjproject", "queuerules", "stasis", "udptl")
CONFERENCES = "[default_user]\ntype = user\n[default_bridge]\ntype = bridge\n"

OPTIONS = """\
[options]
nocolor = yes
systemname = {system_name}
"""

LOGGER = """\
[general]
[logfiles]
console = warning,error
messages = notice,warning,error
"""

INDICATIONS = """\
[general]
country = us
[us]
description = United States / North America
ringcadence = 2000,4000
dial = 350+440
busy = 480+620/500,0/500
ring = 440+480/2000,0/4000
congestion = 480+620/250,0/250
callwaiting = 440/300,0/10000
dialrecall = !350+440/100,!0/100,!350+440/100,!0/100,!350+440/100,!0/100,350+440
record = 1400/500,0/15000
info = !950/330,!1400/330,!1800/330,0
stutter = !350+440/100,!0/100,!350+440/100,!0/100,!350+440/100,!0/100,350+440
"""

MUSIC = "[default]\nmode = files\ndirectory = moh\n"

RTP = "[general]\nrtpstart = {start}\nrtpend = {end}\nstrictrtp = no\n"

MANAGER = """\
[general]
enabled = yes
bindaddr = 127.0.0.1
port = {port}
#include "{shipped}/manager_callcenter.conf"
[{user}](callcenter-rights)
secret = {secret}
"""

QUEUES = """\
[general]
#include "{shipped}/queues_callcenter.conf"
"""

EXTENSIONS = """\
[globals]
{globals}
#include "{shipped}/extensions_callcenter.conf"
"""

# media_address with bind_rtp_to_media_address: without them Asterisk looks up this machine's own name for
# each call, which stalls it for seconds where no name server answers. Callers are known by a header, so that
# they and the phones may share one address; "header" comes first because a caller's number may look like an
# extension.
TRUNK = """\
[global]
type = global
endpoint_identifier_order = header,username,ip

[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{sip_port}

[caller]
type = endpoint
media_address = 127.0.0.1
bind_rtp_to_media_address = yes
context = {context}
disallow = all
allow = ulaw,alaw
direct_media = no
allow_transfer = no
[caller]
type = identify
endpoint = caller
match_header = X-Caller: yes

[customers]
type = endpoint
media_address = 127.0.0.1
bind_rtp_to_media_address = yes
context = {context}
disallow = all
allow = ulaw,alaw
direct_media = no
allow_transfer = no
aors = customers
[customers]
type = aor
contact = sip:{host}:{port}

[phone](!)
type = endpoint
media_address = 127.0.0.1
bind_rtp_to_media_address = yes
context = callcenter-phones
disallow = all
allow = ulaw,alaw
direct_media = no
[phone-auth](!)
type = auth
auth_type = digest
[phone-aor](!)
type = aor
max_contacts = 1
remove_existing = yes
qualify_frequency = 0
"""

PHONE = """
[{extension}](phone)
aors = {extension}
auth = {extension}
callerid = Extension {extension} <{extension}>
[{extension}](phone-aor)
[{extension}](phone-auth)
username = {extension}
password = {secret}
"""

# With autoload=no nothing loads its prerequisites by itself: chan_pjsip needs res_pjsip_pubsub, res_agi needs
# res_speech, app_mixmonitor needs func_periodic_hook, and that one app_chanspy, func_cut, func_groupcount and
# func_uri.
_MODULE_NAMES = """
res_timing_timerfd res_sorcery_config res_sorcery_memory res_sorcery_memory_cache res_sorcery_astdb
res_crypto res_http_websocket res_srtp res_rtp_asterisk bridge_simple bridge_native_rtp bridge_softmix
bridge_holding bridge_builtin_features res_pjproject res_pjsip res_pjsip_session res_pjsip_pubsub
res_pjsip_sdp_rtp res_pjsip_registrar res_pjsip_authenticator_digest
res_pjsip_outbound_authenticator_digest res_pjsip_endpoint_identifier_user
res_pjsip_endpoint_identifier_ip res_pjsip_caller_id res_pjsip_nat res_pjsip_path res_pjsip_dtmf_info
res_pjsip_rfc3326 res_pjsip_refer res_pjsip_header_funcs res_pjsip_transport_websocket chan_pjsip
codec_ulaw codec_alaw codec_a_mu codec_gsm codec_g722 codec_resample codec_opus_open_source
res_format_attr_opus format_wav format_gsm format_pcm format_sln pbx_config app_dial app_playback
app_controlplayback app_queue app_mixmonitor app_chanspy app_confbridge app_originate app_stack app_exec
app_verbose app_userevent app_echo app_read app_senddtmf app_channelredirect app_transfer res_speech
res_agi res_musiconhold func_callerid func_channel func_cut func_db func_devstate func_dialplan
func_global func_hangupcause func_logic func_math func_rand func_strings func_timeout func_groupcount
func_uri func_periodic_hook func_volume func_pjsip_aor func_pjsip_contact func_pjsip_endpoint
func_sorcery res_manager_devicestate
"""
MODULES = tuple(_MODULE_NAMES.split())
