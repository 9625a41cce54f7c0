"""A team account: what rclone and node-tool take `dbx:X` and `dbx:/X` for, beside each other on one sandbox."""

from peers import PeerTest, odd_tree

OWN, TEAM = "dbx:TeamData", "dbx:/TeamData"


class Team(PeerTest):
    options = ("--team",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        namespace = cls.sandbox.control("put_team_folder", name="TeamData")["namespace_id"]
        cls.sandbox.control("put_file", path=f"ns:{namespace}/run/a.txt", text="theirs", client_modified="2020-01-02T03:04:05Z")
        cls.sandbox.control("put_file", path="/TeamData/own.txt", text="own", client_modified="2020-01-02T03:04:06Z")

    def setUp(self):
        super().setUp()
        self.connect_rclone()
        self.connect_node_tool()
        self.local = self.home / "local"
        odd_tree(self.local)

    def both(self, verb, *arguments):
        theirs, ours = (run(verb, *arguments)[0] for run in (self.rclone, self.node_tool))
        theirs, ours = ("\n".join(sorted(text.splitlines())) for text in (theirs, ours))
        self.assertEqual(ours, theirs, f"{verb} {arguments}")
        return ours

    def test_paths_start_at_the_same_places(self):
        self.assertEqual(self.both("lsf", "dbx:/"), "Ann Example/\nTeamData/")
        self.assertEqual(self.both("lsf", "-R", OWN), "own.txt")
        self.assertEqual(self.both("lsf", "-R", TEAM), "run/\nrun/a.txt")
        self.both("lsf", "-R", "dbx:/Ann Example")
        self.both("lsl", "dbx:/TeamData/run/a.txt")
        self.both("cat", "dbx:/TeamData/run/a.txt")
        self.both("hashsum", "dropbox", "dbx:/")

    def test_what_the_one_writes_the_other_finds(self):
        for write, check in [(self.rclone, self.node_tool), (self.node_tool, self.rclone)]:
            for place in (OWN, TEAM):
                write("sync", self.local, f"{place}/copy")
                check("check", self.local, f"{place}/copy")
                write("moveto", f"{place}/copy/deep/er/x", f"{place}/copy/y")
                self.both("lsf", "-R", place)
                write("purge", f"{place}/copy")

    def test_between_the_roots_only_we_find_both(self):
        self.rclone("copy", self.local, f"{TEAM}/copy")
        # rclone asks for both paths from one root.
        self.rclone("copy", f"{TEAM}/copy", f"{OWN}/from-team", code=1)
        self.node_tool("copy", f"{TEAM}/copy", f"{OWN}/from-team")
        self.rclone("check", f"{TEAM}/copy", f"{OWN}/from-team")
        self.node_tool("move", f"{OWN}/from-team/deep", f"{TEAM}/copy/deeper")
        self.assertEqual(self.both("lsf", "-R", f"{TEAM}/copy/deeper"), "er/\ner/x")
        for folder in [f"{TEAM}/copy", f"{OWN}/from-team"]:
            self.rclone("purge", folder)
