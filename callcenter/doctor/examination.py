"""The whole examination, in the order in which a stranger would repair things."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from callcenter.app_settings import ami_target
from callcenter.asterisk.ami.connection import AmiTarget
from callcenter.clock import Clock
from callcenter.doctor import account, dialplan, here, trial_call
from callcenter.doctor.check import Check, failed, ok
from callcenter.doctor.findings import findings
from callcenter.doctor.link import Link, NoLogIn, logged_in, not_tried
from callcenter.doctor.registration import check_registration
from callcenter.errors import ActionFailed, SettingsError, TelephonyDown
from callcenter.ivr.speech.engine import Pyttsx3Engine, SpeechEngine, SpeechFailed
from callcenter.ivr.speech.said import FILE_MODE
from callcenter.ivr.speech.sound import tone, write_wav
from callcenter.settings import Settings
from callcenter.storage.database import Database, DatabaseAway
from callcenter.storage.users import StoredUsers


class Examination:
    """``sip``: where Asterisk's SIP is, if it shall be asked. ``engine``: who speaks; it is closed at the end."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        sip: tuple[str, int] | None = None,
        engine: SpeechEngine | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._sip = sip
        self._engine = engine or Pyttsx3Engine()
        self._phones: list[str] = []
        self._has_database = False

    async def run(self) -> list[Check]:
        """Look at everything. Never raises for what it finds."""
        try:
            checks = await self._here()
            checks += await self._asterisk()
            if self._sip is not None:
                checks.append(await check_registration(*self._sip, next(iter(self._phones), "")))
        finally:
            await self._engine.close()
        return checks

    async def _here(self) -> list[Check]:
        s = self._settings
        database_checks = await here.check_database(s.database.url)
        self._has_database = all(check.status == "ok" for check in database_checks)
        return [
            *await here.check_places(s),
            *database_checks,
            *await here.check_speech(self._engine),
            await here.check_host_name(self._clock, here.own_name()),
            *await here.check_secret_file(s.asterisk.ami_secret_file),
        ]

    async def _asterisk(self) -> list[Check]:
        asterisk = self._settings.asterisk
        try:
            target = await asyncio.to_thread(ami_target, asterisk)
        except SettingsError as error:
            return [failed("ami", error.message, "correct [asterisk] in our settings")]
        tables = await asyncio.to_thread(here.socket_tables)
        checks = here.check_exposure(asterisk, tables)
        try:
            async with logged_in(target, self._clock) as link:
                checks.append(_welcome(target))
                checks += await self._inside(link)
        except NoLogIn as error:
            checks += [error.check, not_tried("asterisk")]
        return checks

    async def _inside(self, link: Link) -> list[Check]:
        """What can be asked once we are in; a broken link ends it."""
        s, checks = self._settings, list[Check]()
        try:
            checks.append(await account.check_booted(link))
            checks += await account.check_rights(link)
            identity, system_name = await account.check_identity(link)
            checks += identity
            link.believe(system_name)
            checks += await dialplan.check_dialplan(link, s.phones)
            checks.append(await dialplan.check_agi_address(link, s.asterisk))
            queue, waiting = await dialplan.check_queue(link, s.asterisk.fallback_queue)
            checks.append(queue)
            checks += await dialplan.check_phones(link, s.phones, await self._extensions())
            self._phones = await dialplan.phone_names(link, s.phones)
            checks += await self._trial(link, system_name, waiting)
        except ActionFailed as error:
            text = f"Asterisk refused to tell: {error.message}"
            checks.append(failed("asterisk", text, "repair ami-rights first, and ask again"))
        except TelephonyDown:
            remedy = "look into Asterisk's own log (/var/log/asterisk/messages), and ask again"
            checks.append(failed("asterisk", "Asterisk closed the connection meanwhile", remedy))
        return checks

    async def _trial(self, link: Link, system_name: str, waiting: int | None) -> list[Check]:
        if not system_name:
            return [not_tried("trial-call", "not tried, because Asterisk's events can't be believed")]
        async with self._prompt() as prompt:
            places = trial_call.Places(prompt, self._settings.recordings.folder.absolute())
            trial = await trial_call.make(
                link, self._settings.asterisk, places, self._clock, queue=waiting == 0
            )
        return findings(trial, self._settings)

    @asynccontextmanager
    async def _prompt(self) -> AsyncIterator[Path | None]:
        """A sound that was made as prompts are, or the tone that stands in; None where nothing can be written."""
        path = self._settings.ivr.prompts_folder.absolute() / f"doctor-{secrets.token_hex(6)}.wav"
        try:
            yield path.with_suffix("") if await self._speak(path) and await _made_private(path) else None
        finally:
            with contextlib.suppress(OSError):
                await asyncio.to_thread(path.unlink, missing_ok=True)

    async def _speak(self, path: Path) -> bool:
        with contextlib.suppress(SpeechFailed):
            await self._engine.speak("This is a trial.", "en", path)
            return True
        try:
            await asyncio.to_thread(write_wav, path, tone())
        except OSError:
            return False
        return True

    async def _extensions(self) -> frozenset[str]:
        """The extensions of the agents there are; none while there is no database yet."""
        if not self._has_database:
            return frozenset()
        database = Database(self._settings.database.url)
        try:
            users = await StoredUsers(database, self._clock).all_users()
        except DatabaseAway:
            return frozenset()
        finally:
            await database.close()
        return frozenset(user.extension for user in users if user.active and user.extension)


async def _made_private(path: Path) -> bool:
    """As prompts with variables are: Asterisk must be in our group to play them."""
    try:
        await asyncio.to_thread(path.chmod, FILE_MODE)
    except OSError:
        return False
    return True


def _welcome(target: AmiTarget) -> Check:
    return ok("ami", f"{target.username} is logged in at {target.host}:{target.port}")
