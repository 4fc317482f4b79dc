"""How does everything come up, stay up and go down? Read top to bottom: this is what `manage.py up` does."""

import socket
import time

from django.conf import settings

from darkroom import env
from darkroom.up import home, leftovers, prepare, processes, store
from darkroom.up.client import Client, Refused, Unreachable
from darkroom.up.console import Console
from darkroom.up.demo_account import DemoAccount, demo_account
from darkroom.up.first_picture import FILE as FIRST_PICTURE
from darkroom.up.first_picture import PROMPT, NoPicture, make_first_picture
from darkroom.up.signals import Signals
from darkroom.up.supervisor import Supervisor, WontStart
from darkroom.up.welcome import welcome

POLL_SECONDS = 0.1
TELL_SECONDS = 20.0
STORE_POLL_SECONDS = 0.02
STORE_SECONDS = 20.0
STORE_URL = "store.url"


def run(console: Console, signals: Signals) -> None:
    """Run everything until somebody asks us to stop.

    Raises AlreadyRunning, PortTaken, WontStart and StopAsked, each time with nothing left running.
    """
    with (
        home.held(settings.HOME, settings.PUBLIC_URL) as announce_ready,
        processes.listening_socket(settings.BIND, settings.PORT) as listener,
        Supervisor(settings.HOME, console.say, lambda: signals.hurry) as supervisor,
    ):
        leftovers.clear(settings.HOME / "run")
        start = Start(console, signals, supervisor)
        start.store()
        account = start.prepare()
        client = Client(settings.PORT, settings.PUBLIC_URL, account.api_key if account else "")
        start.serve(listener, client)
        if account and not (settings.HOME / FIRST_PICTURE).exists():
            start.first_picture(client)
        announce_ready()
        console.say(welcome(settings.HOME, settings.PUBLIC_URL, account))
        while True:
            start.watch(POLL_SECONDS)


class Start:
    """The stages of a start."""

    def __init__(self, console: Console, signals: Signals, supervisor: Supervisor) -> None:
        self.console, self.signals, self.supervisor = console, signals, supervisor
        self.environment = {"PYTHONUNBUFFERED": "1"}

    def store(self) -> None:
        """Bring up the embedded store, unless REDIS_URL names another."""
        if env.text("REDIS_URL"):
            return
        command, url = store.embedded(settings.HOME)
        with self.console.stage("store", "starting"):
            self.supervisor.start(command)
            patience = STORE_SECONDS
            while not store.answers(url):
                patience -= STORE_POLL_SECONDS
                if patience < 0:
                    raise WontStart(f"The embedded store does not answer; see {settings.HOME / 'logs'}.")
                self.watch(STORE_POLL_SECONDS)
        self.environment["REDIS_URL"] = url
        # With it another worker can join by hand.
        home.write_private(settings.HOME / "run" / STORE_URL, url)

    def prepare(self) -> DemoAccount | None:
        """Put tables, static files and the demo account in place."""
        with self.console.stage("database", "bringing tables up to date"):
            prepare.migrate()
            prepare.shelve_examples(settings.HOME)
            account = demo_account(settings.HOME, settings.PUBLIC_URL)
            prepare.disconnect()
        with self.console.stage("pages", "collecting static files"):
            prepare.collect_static(settings.HOME)
        return account

    def serve(self, listener: socket.socket, client: Client) -> None:
        """Start the other processes and wait until a picture asked for would be made."""
        with self.console.stage("processes", f"starting, loading {settings.CHECKPOINT}"):
            self.supervisor.start(processes.scheduler(settings.ROOT, self.environment))
            self.supervisor.start(processes.worker(settings.ROOT, self.environment))
            for web in processes.webs(settings.ROOT, listener, self.environment, settings.WEB_PROCESSES):
                self.supervisor.start(web)
            tell_at = time.monotonic() + TELL_SECONDS
            while missing := _missing(client):
                self.watch(POLL_SECONDS)
                self.supervisor.give_up_on_failures()
                if time.monotonic() > tell_at:
                    self.console.say(f"  still waiting: {missing}; logs are in {settings.HOME / 'logs'}")
                    tell_at += TELL_SECONDS

    def first_picture(self, client: Client) -> None:
        """Show that it works. A failure is told, and is no reason to stop."""
        try:
            with self.console.stage("first picture", PROMPT):
                make_first_picture(client, settings.HOME, self.watch)
        except (NoPicture, Refused, Unreachable) as error:
            self.console.say(f"  There is no first picture: {error}")

    def watch(self, seconds: float) -> None:
        """Wait a little while looking after the processes. Raises StopAsked."""
        self.signals.pause(seconds)
        self.supervisor.tend()


def _missing(client: Client) -> str:
    """Return what is still missing. A web server that answers with a bug will not get better: raises WontStart."""
    try:
        return client.missing()
    except Refused as error:
        raise WontStart(f"{error}\nSee {settings.HOME / 'logs' / 'web.log'}.") from None
