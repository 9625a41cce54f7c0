"""What node-tool wrote, read back by the official SDK and by rclone: bytes, hashes and times."""

import os

from peers import PeerTest, content_hash, odd_tree


class ReadBack(PeerTest):
    def test_both_read_what_node_tool_wrote(self):
        local = self.home / "local"
        tree = odd_tree(local)
        self.connect_node_tool()
        self.node_tool("copy", local, "dbx:written")

        dbx = self.client()
        found = {}
        result = dbx.files_list_folder("/written", recursive=True)
        entries = list(result.entries)
        while result.has_more:
            result = dbx.files_list_folder_continue(result.cursor)
            entries += result.entries
        for entry in entries:
            if hasattr(entry, "content_hash"):
                found[entry.path_display.removeprefix("/written/")] = entry
        self.assertEqual(sorted(found), sorted(tree))
        for name, data in tree.items():
            self.assertEqual(found[name].content_hash, content_hash(data), name)
            self.assertEqual(dbx.files_download(found[name].id)[1].content, data, name)
            modified = int(os.stat(local / name).st_mtime)
            self.assertEqual(int(found[name].client_modified.replace(tzinfo=None).timestamp()), modified, name)

        self.connect_rclone()
        back = self.home / "back"
        self.rclone("check", "--checksum", local, "dbx:written")
        self.rclone("copy", "dbx:written", back)
        for name, data in tree.items():
            self.assertEqual((back / name).read_bytes(), data, name)
            self.assertEqual(int(os.stat(back / name).st_mtime), int(os.stat(local / name).st_mtime), name)

    def test_node_tool_reads_what_rclone_wrote(self):
        local, back = self.home / "local", self.home / "back"
        tree = odd_tree(local)
        self.connect_rclone()
        self.connect_node_tool()
        self.rclone("copy", local, "dbx:theirs")
        self.node_tool("copy", "dbx:theirs", back)
        for name, data in tree.items():
            self.assertEqual((back / name).read_bytes(), data, name)
