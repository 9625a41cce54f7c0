"""Logins that go from one program to the other: an rclone.conf that is imported, a token that rclone takes over."""

import json
import os
import re
import subprocess
import threading

from peers import PeerTest, REDIRECT, only_authorizer


class Logins(PeerTest):
    def token(self, **more):
        return {**self.sandbox.control("grant", secret=True), "token_type": "bearer", **more}

    def rclone_remote(self, name, kind, **options):
        options = [f"{key}={value}" for key, value in options.items()]
        self.rclone("config", "create", name, kind, *options, "config_refresh_token=false", "--non-interactive")

    def rclone_conf(self):
        """A config made by rclone itself."""
        own = {"client_id": self.sandbox.key, "client_secret": self.sandbox.secret}
        self.rclone_remote("dbx", "dropbox", token=json.dumps(self.token(expiry="2000-01-01T00:00:00Z")), **own)
        short = self.token(expiry="0001-01-01T00:00:00Z")
        del short["refresh_token"]
        self.rclone_remote("short", "dropbox", token=json.dumps(short), **own)
        self.rclone_remote("theirs", "dropbox", token=json.dumps(self.token(expiry="2000-01-01T00:00:00Z")))
        self.rclone_remote("disk", "local")
        return self.home / ".config/rclone/rclone.conf"

    def assert_imported(self, out):
        self.assertEqual(
            out,
            "dbx: imported, works as it is\n"
            "short: imported, works as it is: its token is of the old kind, which has no end\n"
            "theirs: imported, but it was made with rclone's own app: node-tool config reconnect theirs: --app-key KEY\n",
        )
        self.node_tool("lsd", "dbx:")
        self.node_tool("lsd", "short:")
        self.assertIn("node-tool config reconnect theirs:", self.node_tool("lsd", "theirs:", code=7)[1])

    def test_a_plain_config_is_imported(self):
        self.rclone_conf()
        self.assert_imported(self.node_tool("config", "import")[0])
        again, _ = self.node_tool("config", "import", code=1)
        self.assertEqual(again.count("left out: there is a remote of this name already"), 3)

    def test_an_encrypted_config_is_imported(self):
        conf = self.rclone_conf()
        plain = conf.read_text()
        self.rclone("config", "encryption", "set", "--password-command", "echo pässword ﬁ")
        self.assertIn("RCLONE_ENCRYPT_V0:", conf.read_text())
        self.assertNotEqual(conf.read_text(), plain)
        self.assertIn("RCLONE_CONFIG_PASS", self.node_tool("config", "import", conf, code=2)[1])
        environment = self.environment
        self.environment = lambda: {**environment(), "RCLONE_CONFIG_PASS": "wrong"}
        self.assertIn("password is wrong", self.node_tool("config", "import", conf, code=2)[1])
        self.environment = lambda: {**environment(), "RCLONE_CONFIG_PASS": "pässword ﬁ"}
        self.assert_imported(self.node_tool("config", "import", conf)[0])

    def test_rclone_takes_what_the_authorizer_prints_for_it(self):
        self.enterContext(only_authorizer())
        command = [os.environ["AUTHORIZER_BIN"], self.sandbox.key, "--format", "rclone", "--no-browser"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        authorizer = subprocess.Popen(command, text=True, env=self.environment(), **pipes)
        said = ""
        while "Waiting" not in said:
            line = authorizer.stderr.readline()
            self.assertTrue(line, said)
            said += line
        drain = threading.Thread(target=authorizer.stderr.read)
        drain.start()
        address = re.search(r"https://\S+", said).group()
        redirect = self.sandbox.control("allow", url=address)["redirect"]
        self.assertTrue(redirect.startswith(REDIRECT))
        subprocess.run(["curl", "--silent", "--location", "--fail", redirect], check=True, stdout=subprocess.DEVNULL)
        token = authorizer.stdout.read()
        self.assertEqual(authorizer.wait(), 0)
        drain.join()
        authorizer.stdout.close()
        authorizer.stderr.close()
        # The app has no secret here: PKCE made the token, and rclone uses it until it ends.
        self.rclone_remote("dbx", "dropbox", token=token.strip(), client_id=self.sandbox.key)
        self.rclone("lsd", "dbx:")
