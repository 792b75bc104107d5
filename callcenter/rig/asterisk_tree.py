"""The Asterisk in the cache folder: which packages and files make it, and how they are made to run.

Asterisk runs with the libraries it came with (glibc among them), through its own ``ld.so``; the system's libraries
are neither used nor touched. Standard library only.
"""

import concurrent.futures
import os
import re
import subprocess
from pathlib import Path

from callcenter.errors import PartMissing

ROOTS = ("asterisk", "asterisk-modules", "asterisk-core-sounds-en-gsm", "asterisk-moh-opsound-gsm")
# Of asterisk-modules' many needs (Perl, ICU, GnuPG, JACK, ...) only these are fetched. A module that then lacks a
# library is removed from the folder, so it is never tried.
_MODULE_NEEDS = re.compile(
    r"(zlib1g|lib(c6|gsm|ogg|opus|opusenc|opusfile|speex|speexdsp|srtp2|sqlite3|ssl|xml2|odbc)[-\d].*)$"
)
# What any other package needs is followed while it is a shared library.
_LIBRARY = re.compile(r"(lib|zlib1g$)(?!c-gconv-modules)")
_UNPACK = re.compile(r"(usr/sbin/|usr/lib/|usr/share/asterisk/)")
# Asterisk's documentation stays: it refuses settings whose documentation it can't find.
_LEAVE_OUT = re.compile(r".*/(gconv|systemd|tmpfiles\.d|sysusers\.d|firmware|phoneprov)/|.*\.a$")
# The folder is only good when these are there and find all their libraries.
_REQUIRED = """
app_chanspy app_confbridge app_controlplayback app_dial app_mixmonitor app_playback app_queue app_stack chan_pjsip
codec_alaw codec_gsm codec_opus_open_source codec_resample codec_ulaw format_gsm format_pcm format_wav func_db
func_dialplan pbx_config res_agi res_http_websocket res_manager_devicestate res_musiconhold res_pjsip
res_pjsip_authenticator_digest res_pjsip_header_funcs res_pjsip_refer res_pjsip_registrar res_pjsip_sdp_rtp
res_pjsip_session res_pjsip_transport_websocket res_rtp_asterisk res_srtp
"""

_LAUNCHER = r"""#!/bin/sh
# Starts the Asterisk of this folder: asterisk CONFDIR RUNDIR [asterisk's own options]
# CONFDIR holds the configuration (only read), RUNDIR what Asterisk writes (spool, logs, sockets).
# Where CONFDIR has an asterisk.options.conf, it is taken into asterisk.conf.
set -eu
here=$(dirname "$(readlink -f "$0")")
if [ $# -lt 2 ]; then echo "usage: $0 CONFDIR RUNDIR [asterisk's options]" >&2; exit 64; fi
[ -d "$1" ] || { echo "$0: no folder $1" >&2; exit 66; }
conf=$(readlink -f "$1")
mkdir -p "$2"
run=$(readlink -f "$2")
shift 2
if [ "$(printf %s "$run/run/asterisk.ctl" | wc -c)" -gt 107 ]; then
    echo "$0: $run is too long a path for Asterisk's control socket" >&2; exit 64
fi
# A name server that does not answer must not hold up Asterisk's start by 5 s and more.
export RES_OPTIONS="${RES_OPTIONS:-timeout:1 attempts:1}"
# Each call takes several files; the usual limit of 1024 is soon reached.
ulimit -S -n 16384 2>/dev/null || true
for part in run log/cdr-csv lib/keys lib/agi-bin cache spool/monitor spool/outgoing spool/tmp; do
    mkdir -p "$run/$part"
done
{
    printf '[directories]\n'
    printf '%s\n' "astetcdir => $conf" "astmoddir => $here/root/@LIB@/asterisk/modules" \
        "astvarlibdir => $run/lib" "astdbdir => $run/lib" "astkeydir => $run/lib" \
        "astdatadir => $here/root/usr/share/asterisk" "astagidir => $run/lib/agi-bin" \
        "astspooldir => $run/spool" "astrundir => $run/run" "astlogdir => $run/log" \
        "astcachedir => $run/cache" "astsbindir => $here"
    if [ -f "$conf/asterisk.options.conf" ]; then printf '#include "%s"\n' "$conf/asterisk.options.conf"; fi
} > "$run/asterisk.conf.$$"
mv "$run/asterisk.conf.$$" "$run/asterisk.conf"
exec "$here/root/loader/asterisk" --argv0 asterisk --library-path "$here/root/@LIB@" \
    "$here/root/usr/sbin/asterisk" -C "$run/asterisk.conf" "$@"
"""


def follows(package: str, needed: str) -> bool:
    """Whether what ``package`` needs is fetched too."""
    pattern = _MODULE_NEEDS if package == "asterisk-modules" else _LIBRARY
    return bool(pattern.match(needed))


def is_taken(path: str) -> bool:
    """Whether a file of a package is laid down."""
    return bool(_UNPACK.match(path)) and not _LEAVE_OUT.match(path)


def launcher(libraries: str) -> str:
    """The text of the launcher; ``libraries`` is the libraries' folder, relative to the root."""
    return _LAUNCHER.replace("@LIB@", libraries)


def finish(root: Path) -> tuple[str, str]:
    """Turn the unpacked files into something that runs; returns the libraries' folder and Asterisk's version.

    Raises PartMissing when a part is absent or Asterisk does not run here.
    """
    loader = next(iter(sorted(root.glob("usr/lib/*-linux-gnu/ld-linux-*.so.*"))), None)
    if loader is None:
        raise PartMissing("the libc6 that was unpacked brought no ld.so where it is expected")
    loader.chmod(0o755)
    link = root / "loader" / "asterisk"  # ld.so is what the kernel starts: give the process a name that tells
    link.parent.mkdir()
    link.symlink_to(os.path.relpath(loader, link.parent))
    _remove_modules_that_lack_a_library(root, loader)
    _name_the_english_voice(root / "usr/share/asterisk/sounds")
    ask = [str(loader), "--library-path", str(loader.parent), str(root / "usr/sbin/asterisk"), "-V"]
    done = subprocess.run(ask, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PartMissing(
            "the Asterisk that was unpacked does not run here (an old kernel, or a sandbox that forbids new system "
            f"calls?): {done.stderr.strip() or done.returncode}"
        )
    return str(loader.parent.relative_to(root)), done.stdout.strip()


def _remove_modules_that_lack_a_library(root: Path, loader: Path) -> None:
    modules = loader.parent / "asterisk" / "modules"

    def linked(binary: Path) -> bool:
        # ld.so would fall back on the system's own libraries: one from there counts as missing
        ask = [str(loader), "--library-path", str(loader.parent), "--list", str(binary)]
        done = subprocess.run(ask, capture_output=True, text=True, check=False)
        paths = re.findall(r" => (.*?)(?: \(0x[0-9a-f]+\))?$", done.stdout, re.MULTILINE)
        return done.returncode == 0 and all(path.startswith(f"{loader.parent}/") for path in paths)

    if not linked(root / "usr/sbin/asterisk"):
        raise PartMissing("the Asterisk that was unpacked lacks a library")
    found = sorted(modules.glob("*.so"))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for module, good in zip(found, pool.map(linked, found), strict=True):
            if not good:
                module.unlink()
    missing = [name for name in _REQUIRED.split() if not (modules / f"{name}.so").exists()]
    if missing:
        raise PartMissing("modules that are needed are absent or lack a library: " + ", ".join(missing))


def _name_the_english_voice(sounds: Path) -> None:
    """Debian sets these links by its package scripts, which do not run here."""
    there = sorted(sounds.iterdir()) if sounds.is_dir() else []
    for path in there:
        if path.is_symlink():
            path.unlink()
    voice = next((path for path in there if path.name.startswith("en_") and path.is_dir()), None)
    if voice is None:
        raise PartMissing("no English sounds were unpacked")
    for name in ("en", "en_US"):
        (sounds / name).symlink_to(voice.name)
