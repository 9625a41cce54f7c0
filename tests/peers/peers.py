"""A sandbox for a test class, and what the tests share. Run by ./run, at Dropbox's own host names."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import unittest
import urllib.request
from pathlib import Path

import dropbox
from dropbox.exceptions import ApiError

BLOCK = 4 * 1024 * 1024
REDIRECT = "http://localhost:53682/"


@contextlib.contextmanager
def only_authorizer():
    """Waits for the right to use the login's port, for which the end-to-end tests wait, too."""
    with open(Path(tempfile.gettempdir(), "authorizer-tests.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def content_hash(data: bytes) -> str:
    """Dropbox's content hash, by its published description."""
    blocks = (data[at : at + BLOCK] for at in range(0, len(data), BLOCK))
    return hashlib.sha256(b"".join(hashlib.sha256(block).digest() for block in blocks)).hexdigest()


class Sandbox:
    """The project's stand-in, over TLS on port 443."""

    def __init__(self, *options):
        self.dir = Path(tempfile.mkdtemp(prefix="peers-"))
        place = f"{os.environ['SANDBOX_ADDRESS']}:443"
        command = [os.environ["SANDBOX_BIN"], "--tls-dir", str(self.dir), "--tls-addr", place, "--until-eof", *options]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ready = json.loads(self.process.stdout.readline())
        self.origin, self.key, self.secret, self.ca = (ready[k] for k in ("origin", "app_key", "app_secret", "ca"))

    def control(self, command, **body):
        request = urllib.request.Request(f"{self.origin}/sandbox/{command}", json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def stop(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.dir)


class PeerTest(unittest.TestCase):
    """Each class has a sandbox, each test a client."""

    options = ()

    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox(*cls.options)
        cls.addClassCleanup(cls.sandbox.stop)
        # The environment's bundle would win over the client's own setting.
        os.environ["REQUESTS_CA_BUNDLE"] = cls.sandbox.ca

    def setUp(self):
        self.home = Path(tempfile.mkdtemp(prefix="home-"))
        self.addCleanup(shutil.rmtree, self.home)

    def client(self, **grant):
        tokens = self.sandbox.control("grant", **grant)
        client = dropbox.Dropbox(
            oauth2_access_token=tokens["access_token"],
            oauth2_refresh_token=tokens["refresh_token"],
            app_key=self.sandbox.key,
            ca_certs=self.sandbox.ca,
            max_retries_on_error=0,
            max_retries_on_rate_limit=0,
        )
        self.addCleanup(client.close)
        return client

    def environment(self):
        return {"HOME": str(self.home), "PATH": os.environ["PATH"], "SSL_CERT_FILE": self.sandbox.ca, "TZ": "UTC"}

    @staticmethod
    def program_path(name):
        return os.environ[name]

    def program(self, name, *arguments, stdin=None, code=0):
        """Runs a program in an environment of its own; gives what it printed."""
        done = subprocess.run(
            [os.environ[name], *map(str, arguments)], input=stdin, capture_output=True, text=True, env=self.environment()
        )
        self.assertEqual(done.returncode, code, f"{name} {arguments}\n{done.stdout}\n{done.stderr}")
        return done.stdout, done.stderr

    def connect_rclone(self):
        tokens = self.sandbox.control("grant", secret=True)
        token = {**tokens, "token_type": "bearer", "expiry": "2099-01-01T00:00:00Z"}
        config = self.home / ".config/rclone/rclone.conf"
        config.parent.mkdir(parents=True)
        lines = ["[dbx]", "type = dropbox", f"client_id = {self.sandbox.key}", f"client_secret = {self.sandbox.secret}"]
        config.write_text("\n".join([*lines, f"token = {json.dumps(token)}", ""]))

    def rclone(self, *arguments, code=0):
        return self.program("RCLONE_BIN", "--retries", 1, "--low-level-retries", 1, *arguments, code=code)

    def connect_node_tool(self):
        tokens = self.sandbox.control("grant")
        paste = json.dumps({**tokens, "token_type": "bearer", "expiry": "2099-01-01T00:00:00Z"})
        self.node_tool("config", "create", "dbx", "--app-key", self.sandbox.key, "--token-stdin", stdin=paste)

    def node_tool(self, *arguments, stdin=None, code=0):
        return self.program("NODE_TOOL_BIN", *arguments, stdin=stdin, code=code)


def odd_tree(root: Path):
    """Files with names and sizes that have gone wrong before; gives their bytes by path."""
    tree = {
        "plain.txt": b"plain",
        "with space/a b.txt": b"space",
        "umläute/größe.txt": "größe".encode(),
        "emoji 😀/👩‍🔬.txt": b"emoji",
        "empty": b"",
        "a.": b"a dot",
        "..b": b"two dots",
        "deep/er/x": b"x" * 5000,
        "block": b"b" * BLOCK,
        "big": bytes(range(256)) * (20 * 4096 + 1),
    }
    for at, (name, data) in enumerate(sorted(tree.items())):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (1_500_000_000 + at, 1_500_000_000 + at))
    return tree


class SdkTest(PeerTest):
    """A test with a client of the official SDK, and a folder that is named after it."""

    def setUp(self):
        super().setUp()
        self.dbx = self.client()
        self.folder = f"/{self.id().rsplit('.', 1)[-1]}"

    def refused(self, call, *arguments, **options):
        with self.assertRaises(ApiError) as caught:
            call(*arguments, **options)
        return caught.exception.error
