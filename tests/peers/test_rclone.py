"""rclone, unmodified, against the sandbox; and node-tool's listings beside rclone's."""

import re

from peers import PeerTest, odd_tree


class Rclone(PeerTest):
    def setUp(self):
        super().setUp()
        self.connect_rclone()
        self.local = self.home / "local"
        odd_tree(self.local)

    def clean(self, *arguments):
        out, log = self.rclone(*arguments)
        self.assertNotIn("ERROR", log)
        return out

    def test_up_down_check_sync(self):
        self.clean("copy", self.local, "dbx:up")
        self.clean("check", self.local, "dbx:up")
        back = self.home / "back"
        self.clean("copy", "dbx:up", back)
        self.clean("check", self.local, back)
        (self.local / "plain.txt").unlink()
        self.clean("sync", self.local, "dbx:up")
        self.assertNotIn("plain.txt", self.clean("lsf", "-R", "dbx:up"))
        self.assertIn("Total objects: 9", self.clean("size", "dbx:up"))
        self.clean("moveto", "dbx:up/empty", "dbx:up/moved")
        self.clean("copyto", "dbx:up/moved", "dbx:up/copied")
        self.clean("deletefile", "dbx:up/moved")
        self.clean("about", "dbx:")
        self.clean("mkdir", "dbx:made")
        self.clean("rmdir", "dbx:made")
        self.clean("purge", "dbx:up")
        self.assertNotIn("up/", self.clean("lsf", "dbx:"))

    def test_an_expired_token_is_renewed(self):
        self.sandbox.control("expire_access_tokens")
        config = self.home / ".config/rclone/rclone.conf"
        config.write_text(config.read_text().replace("2099-", "2000-"))
        self.clean("lsd", "dbx:")

    def test_listings_look_alike(self):
        self.connect_node_tool()
        self.clean("copy", self.local, "dbx:alike/in")
        for verb in ["lsd", "ls", "lsl"]:
            for path in ["dbx:", "dbx:alike", "dbx:alike/in/", "dbx:alike/in/deep", "dbx:alike/in/plain.txt"]:
                theirs = sorted(self.clean(verb, path).splitlines())
                ours = self.node_tool(verb, path)[0].splitlines()
                if verb == "lsd":  # Dropbox keeps no times of folders: rclone shows the time of the listing
                    time = re.compile(r" \d{4}-\d\d-\d\d \d\d:\d\d:\d\d ")
                    theirs, ours = ([time.sub(" TIME ", line) for line in lines] for lines in (theirs, ours))
                self.assertEqual(sorted(ours), theirs, f"{verb} {path}")
        for verb in ["lsd", "ls", "lsl"]:
            self.rclone(verb, "dbx:no such", code=3)
            self.node_tool(verb, "dbx:no such", code=3)
