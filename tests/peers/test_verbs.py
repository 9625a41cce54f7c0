"""Each verb that rclone has, beside rclone's own on the same sandbox: what is printed, the exit code, and what is left."""

import json
import re
import subprocess

from peers import PeerTest, odd_tree

LISTING_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(Z|\.\d+)?")


class Verbs(PeerTest):
    def setUp(self):
        super().setUp()
        self.connect_rclone()
        self.connect_node_tool()
        self.local = self.home / "local"
        odd_tree(self.local)
        (self.local / "hollow" / "inner").mkdir(parents=True)
        self.rclone("copy", "--create-empty-src-dirs", self.local, "dbx:t")
        self.addCleanup(self.rclone, "purge", "dbx:t")

    def both(self, verb, *arguments, code=0, sort=True, hide=None):
        """Runs both; they must print the same."""
        theirs, _ = self.rclone(verb, *arguments, code=code)
        ours, _ = self.node_tool(verb, *arguments, code=code)
        if hide:
            theirs, ours = hide.sub("TIME", theirs), hide.sub("TIME", ours)
        if sort:
            theirs, ours = ("\n".join(sorted(text.splitlines())) for text in (theirs, ours))
        self.assertEqual(ours, theirs, f"{verb} {arguments}")
        return ours

    def test_lsf(self):
        for flags in [
            [], ["-R"], ["--files-only"], ["--dirs-only"], ["-R", "--dir-slash=false"], ["-R", "--files-only", "-F", "pst"],
            ["-R", "--files-only", "-F", "hp"], ["-R", "--files-only", "-F", "hp", "--hash", "dropbox"], ["-R", "-F", "pi"], ["-R", "--files-only", "-F", "tp", "--csv"],
            ["-R", "--absolute"], ["-R", "--files-only", "-F", "ps", "-s", " | "],
            ["-R", "--files-only", "-F", "tp", "-t", "unix"], ["-R", "--files-only", "-F", "tp", "-t", "RFC3339"],
            ["-R", "--files-only", "-F", "tp", "-t", "max"], ["-R", "--max-depth", "1"],
            ["-R", "--include", "*.txt"], ["-R", "--exclude", "with space/**"], ["-R", "--min-size", "1k"],
            ["-R", "--files-only", "-F", "pm"],
        ]:
            for path in ["dbx:t", "dbx:t/deep"]:
                self.both("lsf", *flags, path)
        self.both("lsf", "dbx:t/plain.txt")
        self.rclone("lsf", "dbx:no such", code=3)
        self.node_tool("lsf", "dbx:no such", code=3)

    def test_lsjson(self):
        for flags in [[], ["-R"], ["-R", "--hash"], ["--files-only", "--no-mimetype"], ["-R", "--no-modtime"], ["--dirs-only"]]:
            theirs = json.loads(self.rclone("lsjson", *flags, "dbx:t")[0])
            ours = json.loads(self.node_tool("lsjson", *flags, "dbx:t")[0])
            for listing in (theirs, ours):
                listing.sort(key=lambda entry: entry["Path"])
            self.assertEqual(ours, theirs, flags)
        self.both("lsjson", "--stat", "dbx:t/plain.txt")
        self.both("lsjson", "--stat", "dbx:t/deep", hide=LISTING_TIME)  # rclone takes the present one here
        self.both("lsjson", "--files-only", "dbx:t")

    def test_ls_lsl_lsd(self):
        (self.local / "deep").touch()
        for place in ["dbx:t", "dbx:t/deep", self.local]:
            for verb in ["ls", "lsl", "lsd", "lsf"]:
                for flags in [[], ["--max-depth", "1"], ["--max-depth", "2"], ["--max-depth", "0"], ["--max-depth", "-1"]]:
                    self.both(verb, *flags, place)
            self.both("lsd", "-R", place)
            self.both("lsf", "-R", "-F", "tsp", place)
            self.both("lsf", "-R", "-F", "tp", "-t", "unix", place)
            self.both("lsjson", "--max-depth", "2", "--no-mimetype", "--dirs-only", self.local / "deep")

    def test_names_that_could_drive_a_terminal(self):
        odd = self.home / "odd"
        names = ["esc\x1b[31m", "bell\x07", "line\nend", "tab\there", "del\x7fete", "c1\x9bx", "turned\u202ename", "zero\u200bwidth", "␊"]
        for name in names:
            (odd / "files" / name).parent.mkdir(parents=True, exist_ok=True)
            (odd / "files" / name).write_text(name)
            (odd / "folders" / name).mkdir(parents=True)
        for name in names:
            if name == "del\x7fete":
                continue  # Dropbox has no such names
            self.sandbox.control("put_file", path=f"/odd/files/{name}", text=name)
            self.sandbox.control("put_folder", path=f"/odd/folders/{name}")
        for place in [odd, "dbx:odd"]:
            for verb in [["ls"], ["lsl"], ["lsd", "-R"], ["lsf", "-R"], ["hashsum", "dropbox"], ["lsf", "-R", "--csv", "-F", "ps"]]:
                hide = LISTING_TIME if verb[0] == "lsl" else None
                self.both(*verb, place, hide=hide)
            # rclone takes escape sequences out of its tree; we leave names as they are.
            self.assertEqual(self.node_tool("tree", place)[0].replace("\x1b[31m", ""), self.rclone("tree", place)[0])
            self.both("check", "--combined", "-", place, place)
            ours = json.loads(self.node_tool("lsjson", "-R", "--files-only", place)[0])
            there = [name for name in names if place == odd or name != "del\x7fete"]
            self.assertEqual(sorted(entry["Name"] for entry in ours), sorted(there))
        self.rclone("purge", "dbx:odd")

    def test_exit_codes(self):
        for arguments in [
            ["rmdir", "dbx:t/plain.txt"], ["rmdir", "dbx:t/nothing"], ["rmdir", "dbx:t/deep"], ["purge", "dbx:t/plain.txt"],
            ["mkdir", "dbx:t/plain.txt"], ["deletefile", "dbx:t/deep"], ["deletefile", "dbx:t/nothing"], ["delete", "dbx:t/nothing"],
            ["ls", "dbx:t/nothing"], ["lsd", "dbx:t/nothing"], ["lsf", "dbx:t/nothing"], ["lsjson", "dbx:t/nothing"],
            ["lsjson", "--stat", "dbx:t/nothing"], ["size", "dbx:t/nothing"], ["tree", "dbx:t/nothing"], ["cat", "dbx:t/nothing"],
            ["hashsum", "dropbox", "dbx:t/nothing"], ["check", "dbx:t/nothing", "dbx:t"], ["check", "dbx:t", "dbx:t/nothing"],
            ["check", "dbx:t", "dbx:t/plain.txt"], ["ls", "dbx:t", "--no-such-flag"], ["ls", "nosuch:"], ["ls"],
        ]:
            codes = [subprocess.run([self.program_path(program), *more, *arguments], env=self.environment(), capture_output=True).returncode
                     for program, more in [("RCLONE_BIN", ["--retries", "1"]), ("NODE_TOOL_BIN", [])]]
            self.assertEqual(codes[1], codes[0], arguments)

    def test_tree(self):
        for flags in [[], ["-a"], ["-d", "--noreport"], ["--level", "1"], ["-s"], ["--full-path"], ["--noindent"], ["--noreport"], ["-Q"], ["--dirsfirst"]]:
            self.both("tree", *flags, "dbx:t", sort=False)

    def test_size_about_hashsum(self):
        for flags in [[], ["--include", "*.txt"]]:
            self.both("size", *flags, "dbx:t", sort=False)
        for flags in [[], ["--full"]]:
            self.both("about", *flags, "dbx:", sort=False)
        for verb, place in [("size", "dbx:t"), ("about", "dbx:")]:
            theirs, ours = (json.loads(run(verb, "--json", place)[0]) for run in (self.rclone, self.node_tool))
            self.assertEqual({field: ours[field] for field in theirs}, theirs)
        for flags in [[], ["--base64"]]:
            self.both("hashsum", "dropbox", *flags, "dbx:t")
            self.both("hashsum", "dropbox", *flags, self.local)

    def test_cat(self):
        for flags in [[], ["--head", "3"], ["--tail", "3"], ["--offset", "2"], ["--offset", "-2"], ["--offset", "1", "--count", "2"],
                      ["--separator", "--"], ["--count", "2", "--separator", "|"], ["--discard"]]:
            for path in ["dbx:t/plain.txt", "dbx:t/with space"]:
                self.both("cat", *flags, path, sort=False)
        self.assertEqual(self.node_tool("cat", "dbx:t/big", "--offset", "5000000", "--count", "4")[0].encode(), bytes(range(64, 68)))

    def test_digests(self):
        for verb in [["md5sum"], ["sha1sum"], ["hashsum", "sha256"], ["hashsum", "SHA-512"], ["hashsum", "crc32"]]:
            for flags in [[], ["--base64"]]:
                self.both(*verb, *flags, self.local)
                self.both(*verb, *flags, "dbx:t", code=1)
                self.both(*verb, *flags, "--download", "dbx:t")
        for verb in [["md5sum"], ["hashsum", "sha1"], ["hashsum", "sha1", "-"]]:
            answers = [subprocess.run([self.program_path(program), *verb], env=self.environment(), input=b"hello", capture_output=True).stdout
                       for program in ("RCLONE_BIN", "NODE_TOOL_BIN")]
            self.assertEqual(answers[1], answers[0], verb)
        written = []
        for program in (self.rclone, self.node_tool):
            program("md5sum", self.local, "--output-file", self.home / "sums")
            written.append(sorted((self.home / "sums").read_text().splitlines()))
        self.assertEqual(written[1], written[0])

    def test_checksum(self):
        sums = self.home / "sums"
        sums.write_text(self.rclone("md5sum", self.local)[0] + "d41d8cd98f00b204e9800998ecf8427e  gone\n")
        (self.local / "plain.txt").write_text("another")
        (self.local / "added").write_text("added")
        for place, download in [(self.local, []), ("dbx:t", ["--download"])]:
            for flags in [["--combined", "-"], ["--differ", "-"], ["--match", "-"], ["--missing-on-src", "-"], ["--missing-on-dst", "-"],
                          ["--one-way", "--combined", "-"], ["--exclude", "gone", "--combined", "-"]]:
                code = 0 if place == "dbx:t" and "gone" in flags else 1
                self.both("checksum", "md5", sums, place, *download, *flags, code=code)
                self.both("check", "--checkfile", "md5", sums, place, *download, *flags, code=code)
            self.both("md5sum", "--checkfile", sums, place, *download, code=1)
        self.both("check", self.local, "dbx:t", "--download", "--combined", "-", code=1)

    def test_listremotes(self):
        for flags in [[], ["--long"], ["--json"], ["db"], ["--name", "nothing"], ["--type", "dropbox"], ["--exact", "db"]]:
            self.both("listremotes", *flags, sort=False)

    def test_rcat(self):
        for size in [0, 5, 9_000_000]:
            for program, name in [("RCLONE_BIN", "theirs"), ("NODE_TOOL_BIN", "ours")]:
                for flags in [[], ["--size", str(size)]]:
                    subprocess.run([self.program_path(program), "rcat", *flags, f"dbx:piped/{name}"],
                                   env=self.environment(), input=b"x" * size, check=True, capture_output=True)
            hashes = {self.rclone("lsf", "-F", "sh", "--hash", "dropbox", f"dbx:piped/{name}")[0] for name in ("theirs", "ours")}
            self.assertEqual(len(hashes), 1)
        self.rclone("purge", "dbx:piped")

    def test_archives(self):
        self.rclone("archive", "create", self.local, "dbx:archives/theirs.tar.gz")
        self.node_tool("archive", "create", self.local, "dbx:archives/ours.tar.gz")
        self.rclone("archive", "create", self.local, "dbx:archives/theirs.zip")
        self.node_tool("archive", "create", self.local, "dbx:archives/ours.zip")
        for kind in ["tar.gz", "zip"]:
            for who in ["theirs", "ours"]:
                archive = f"dbx:archives/{who}.{kind}"
                for flags in [["--files-only"], ["--plain", "--files-only"], ["--plain", "--files-only", "--include", "*.txt"]]:
                    self.both("archive", "list", *flags, archive)
                self.node_tool("archive", "extract", archive, self.home / f"{who} {kind}")
                self.node_tool("check", self.local, self.home / f"{who} {kind}")
        self.rclone("purge", "dbx:archives")

    def test_check(self):
        self.rclone("deletefile", "dbx:t/plain.txt")
        (self.local / "added").write_text("added")
        (self.local / "deep/er/x").write_text("y" * 5000)
        (self.local / "a.").write_text("longer than before")
        self.rclone("copyto", "dbx:t/block", "dbx:t/only there")
        for flags in [["--combined", "-"], ["--differ", "-"], ["--match", "-"], ["--missing-on-src", "-"], ["--missing-on-dst", "-"],
                      ["--one-way", "--combined", "-"], ["--size-only", "--combined", "-"]]:
            self.both("check", self.local, "dbx:t", *flags, code=1)
        self.both("check", self.local / "umläute", "dbx:t/umläute", "--combined", "-")

    def test_folders_and_files_come_and_go(self):
        for verb, path, code in [
            ("mkdir", "new/deep", 0), ("mkdir", "new/deep", 0), ("rmdir", "new", None), ("rmdir", "new/deep", 0),
            ("rmdirs", "hollow", 0), ("deletefile", "plain.txt", 0), ("deletefile", "plain.txt", 4), ("touch", "touched", 0),
            ("delete", "with space", 0), ("purge", "deep", 0), ("rmdir", "nothing", 3),
        ]:
            # One does it in a copy of what the other has.
            self.rclone("purge", "dbx:u") if "u/" in self.rclone("lsf", "dbx:")[0] else None
            self.rclone("copy", "--create-empty-src-dirs", "dbx:t", "dbx:u")
            theirs = subprocess.run(
                [self.program_path("RCLONE_BIN"), "--retries", "1", verb, f"dbx:t/{path}"], env=self.environment(), capture_output=True)
            ours = subprocess.run([self.program_path("NODE_TOOL_BIN"), verb, f"dbx:u/{path}"], env=self.environment(), capture_output=True)
            if code is not None:
                self.assertEqual((ours.returncode, theirs.returncode), (code, code), f"{verb} {path} {ours.stderr} {theirs.stderr}")
            else:
                self.assertTrue(ours.returncode and theirs.returncode)
            listed = [self.rclone("lsf", "-R", f"dbx:{place}")[0].splitlines() for place in "ut"]
            self.assertEqual(sorted(listed[0]), sorted(listed[1]), f"{verb} {path}")
        self.rclone("purge", "dbx:u")

    def transferred(self, verb, *flags, change=None, source="local", dest="there"):
        """Runs a transfer with both, from the same beginning; gives both targets and sources afterwards."""
        ends = []
        for program in (self.rclone, self.node_tool):
            self.rclone("delete", "--rmdirs", "dbx:there") if "there/" in self.rclone("lsf", "dbx:")[0] else None
            self.rclone("copy", "--create-empty-src-dirs", "dbx:t", "dbx:there")
            local = self.home / f"copy-{len(ends)}"
            subprocess.run(["cp", "-a", self.local, local], check=True)
            if change:
                change(local)
            places = {"local": local, "there": "dbx:there"}
            program(verb, *flags, places[source], places[dest])
            ends.append([sorted(self.rclone("lsf", "-R", "--files-only", "-F", "psh", "--hash", "dropbox", place)[0].splitlines())
                         for place in (local, "dbx:there")])
            folders = [sorted(self.rclone("lsf", "-R", "--dirs-only", place)[0].splitlines()) for place in (local, "dbx:there")]
            ends[-1] += folders
            subprocess.run(["rm", "-rf", local], check=True)
        self.assertEqual(ends[1], ends[0], f"{verb} {flags}")
        return ends[0]

    @staticmethod
    def edit(local):
        (local / "plain.txt").unlink()
        (local / "added").write_text("added")
        (local / "deep/er/x").write_text("y" * 5000)
        (local / "umläute/größe.txt").rename(local / "umläute/neu.txt")

    def test_copy_sync_move(self):
        for flags in [[], ["--checksum"], ["--size-only"], ["--ignore-existing"], ["--update"], ["--ignore-times"],
                      ["--include", "*.txt"], ["--exclude", "deep/**"], ["--max-size", "1k"], ["--create-empty-src-dirs"]]:
            self.transferred("copy", *flags, change=self.edit)
            self.transferred("sync", *flags, change=self.edit)
        for flags in [[], ["--delete-empty-src-dirs"], ["--include", "*.txt"]]:
            self.transferred("move", *flags, change=self.edit)
        self.transferred("sync", "--track-renames", change=self.edit)
        self.transferred("sync", "--backup-dir", "dbx:t/old", change=self.edit)
        self.transferred("sync", "--suffix", ".bak", change=self.edit)
        self.transferred("sync", "--delete-excluded", "--exclude", "deep/**", change=self.edit)
        self.transferred("sync", "--max-depth", "1", change=self.edit)

    def test_the_other_way_and_on_the_server(self):
        for verb in ["copy", "sync", "move"]:
            self.transferred(verb, change=self.edit, source="there", dest="local")
        for verb, names in [("copy", "copyto"), ("move", "moveto")]:
            for source, dest in [("t/plain.txt", "{}/into"), ("t/deep", "{}/deep too")]:
                for program, place in [(self.rclone, "theirs"), (self.node_tool, "ours")]:
                    self.rclone("copy", self.local, "dbx:t")
                    program(verb, f"dbx:{source}", "dbx:" + dest.format(place))
                    program(names, "dbx:t/block", f"dbx:{place}/names/of mine")
                listed = [self.rclone("lsf", "-R", "-F", "psh", f"dbx:{place}")[0] for place in ("theirs", "ours")]
                self.assertEqual(sorted(listed[1].splitlines()), sorted(listed[0].splitlines()), f"{verb} {source}")
        for place in ("theirs", "ours"):
            self.rclone("purge", f"dbx:{place}")

    def test_names_are_mapped_as_rclone_maps_them(self):
        odd = self.home / "odd"
        names = ["back\\slash", "trail ", "two  ", "del\x7f", "full＼width", "␠", "x␠", "␡", "．", "a．", "␠ ", "d.", "...", "dir /f", "dir /in\\ner/g", "sla／sh"]
        for name in names:
            (odd / name).parent.mkdir(parents=True, exist_ok=True)
            (odd / name).write_text(name)
        self.rclone("copy", odd, "dbx:odd/theirs")
        self.node_tool("copy", "--encode-names", odd, "dbx:odd/ours")
        stored = {entry["path"] for entry in self.sandbox.control("tree") if not entry["is_folder"]}
        theirs, ours = ({p.removeprefix(f"/odd/{who}/") for p in stored if p.startswith(f"/odd/{who}/")} for who in ("theirs", "ours"))
        self.assertEqual(sorted(ours), sorted(theirs))
        for who in ("theirs", "ours"):
            back = self.home / f"back {who}"
            self.node_tool("copy", "--encode-names", f"dbx:odd/{who}", back)
            found = sorted(str(p.relative_to(back)) for p in back.rglob("*") if p.is_file())
            self.assertEqual(found, sorted(names))
        self.node_tool("check", "--encode-names", odd, "dbx:odd/theirs")
        (odd / "dir /f").unlink()
        self.node_tool("sync", "--encode-names", "--track-renames", odd, "dbx:odd/theirs")
        self.assertNotIn("dir /f", self.rclone("lsf", "-R", "dbx:odd/theirs")[0])
        self.node_tool("move", "--encode-names", "dbx:odd/theirs", "dbx:odd/moved", "--exclude", "x")
        self.assertEqual(len(self.rclone("lsf", "-R", "--files-only", "dbx:odd/moved")[0].splitlines()), len(names) - 1)
        self.rclone("purge", "dbx:odd")

    def test_cloud_documents_are_exported_under_rclones_names(self):
        self.sandbox.control("put_document", path="/t/notes/meeting.paper", text="we met")
        for flags in [[], ["--dropbox-export-formats", "md,html"]]:
            for verb in [["ls"], ["lsf", "-R", "-F", "ps"], ["size"]]:
                self.both(*verb, *flags, "dbx:t/notes")
            theirs, ours = (json.loads(run("size", "--json", *flags, "dbx:t/notes")[0]) for run in (self.rclone, self.node_tool))
            self.assertEqual({field: ours[field] for field in theirs}, theirs)
        for formats, name in [("html,md", "meeting.html"), ("md", "meeting.md")]:
            back = self.home / formats
            self.node_tool("copy", "--export-formats", formats, "dbx:t/notes", back)
            self.assertEqual((back / name).read_text(), "we met")
            _, log = self.node_tool("copy", "--export-formats", formats, "dbx:t/notes", back)
            self.assertIn("0 files copied", log)
        self.node_tool("copy", "dbx:t/notes", "dbx:t/more")
        stored = [entry["path"] for entry in self.sandbox.control("tree")]
        self.assertIn("/t/more/meeting.paper", stored)
        self.node_tool("delete", "dbx:t/more")
        stored = [entry["path"] for entry in self.sandbox.control("tree")]
        self.assertNotIn("/t/more/meeting.paper", stored)

    def test_symlinks_travel_as_rclones_do(self):
        tree = self.home / "linked"
        (tree / "deep").mkdir(parents=True)
        (tree / "file").write_text("text")
        (tree / "to file").symlink_to("file")
        (tree / "deep/away").symlink_to("../../elsewhere")
        (tree / "to folder").symlink_to("deep")
        listed = []
        for program, name in [(self.rclone, "theirs"), (self.node_tool, "ours")]:
            program("copy", "--links", tree, f"dbx:links/{name}")
            listed.append(sorted(self.rclone("lsf", "-R", "-F", "psh", "--hash", "dropbox", f"dbx:links/{name}")[0].splitlines()))
        self.assertEqual(listed[1], listed[0])
        back = self.home / "back"
        self.node_tool("copy", "--links", "dbx:links/theirs", back)
        for name in ["to file", "deep/away", "to folder"]:
            self.assertEqual((back / name).readlink(), (tree / name).readlink())
        # All is there: again nothing is copied, either way.
        for again in [(tree, "dbx:links/ours"), ("dbx:links/theirs", back)]:
            self.assertIn("0 files copied", self.node_tool("copy", "--links", *again)[1])
        (tree / "to file").unlink()
        self.node_tool("sync", "--links", tree, "dbx:links/ours")
        self.assertNotIn("to file", self.rclone("lsf", "dbx:links/ours")[0])
        self.node_tool("sync", "--links", "dbx:links/ours", back)
        self.assertFalse((back / "to file").is_symlink())
        self.node_tool("copy", "--copy-links", tree, "dbx:links/followed", "--exclude", "away")
        _, log = self.node_tool("copy", tree, "dbx:links/told")
        self.assertIn("to folder: skipped, it is a symlink", log)
        self.assertEqual(self.node_tool("copy", "--skip-links", tree, "dbx:links/skipped")[1].count("skipped,"), 0)
        self.node_tool("move", "--links", tree, "dbx:links/moved")
        self.assertEqual([p.name for p in tree.rglob("*") if p.is_symlink()], [])
        self.rclone("purge", "dbx:links")
