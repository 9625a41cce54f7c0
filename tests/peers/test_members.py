"""An app of a whole team: the official SDK, rclone and node-tool as a member of it, and as its admin."""

import dropbox
from dropbox import common, team
from dropbox.exceptions import ApiError, AuthError, BadInputError
from peers import PeerTest

BOB = "bob@example.org"


class Members(PeerTest):
    options = ("--team-app",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sandbox.control("add_member", given_name="Bob", surname="Leaver", email=BOB)
        cls.sandbox.control("put_file_of", email=BOB, path="/data/x", text="bob's")

    def setUp(self):
        super().setUp()
        tokens = self.sandbox.control("grant")
        self.team = dropbox.DropboxTeam(oauth2_access_token=tokens["access_token"], ca_certs=self.sandbox.ca, max_retries_on_error=0)
        self.addCleanup(self.team.close)

    def profile(self, email):
        found = self.team.team_members_get_info_v2([team.UserSelectorArg.email(email)]).members_info[0]
        return found.get_member_info().profile

    def names(self, client, path=""):
        return [entry.name for entry in client.files_list_folder(path).entries]

    def test_members_are_found_by_address(self):
        bob = self.profile(BOB)
        self.assertTrue(bob.status.is_active() and bob.name.display_name == "Bob Leaver")
        self.assertEqual(self.team.team_members_get_info([team.UserSelectorArg.email(BOB)])[0].get_member_info().profile.email, BOB)
        nobody = self.team.team_members_get_info_v2([team.UserSelectorArg.email("eve@example.org")]).members_info[0]
        self.assertEqual(nobody.get_id_not_found(), "eve@example.org")
        self.assertEqual(self.team.team_get_info().name, "Sandbox University")
        self.assertEqual(self.team.team_token_get_authenticated_admin().admin_profile.email, "ann@example.org")

    def test_calls_say_on_whose_behalf_they_are(self):
        bob = self.profile(BOB).team_member_id
        self.assertEqual(self.names(self.team.as_user(bob)), ["data"])
        self.assertEqual(self.team.as_user(bob).users_get_current_account().email, BOB)
        with self.assertRaises(AuthError) as raised:
            self.names(self.team.as_user("dbmid:nobody"))
        self.assertTrue(raised.exception.error.is_invalid_select_user())
        with self.assertRaises(AuthError) as raised:
            self.names(self.team.as_admin(bob))
        self.assertTrue(raised.exception.error.is_invalid_select_admin())
        token = self.sandbox.control("grant")["access_token"]
        with self.assertRaises(BadInputError):
            self.names(dropbox.Dropbox(token, ca_certs=self.sandbox.ca))
        with self.assertRaises(BadInputError):
            self.names(dropbox.Dropbox(token, ca_certs=self.sandbox.ca, headers={"Dropbox-API-Select-User": bob, "Dropbox-API-Select-Admin": bob}))

    def test_an_admin_reads_the_whole_team_and_writes_only_where_members_may(self):
        ann, bob = self.profile("ann@example.org"), self.profile(BOB)
        root = common.PathRoot.namespace_id(bob.member_folder_id)
        admin = self.team.as_admin(ann.team_member_id).with_path_root(root)
        self.assertEqual(self.names(admin, "/data"), ["x"])
        self.assertEqual(admin.files_download("/data/x")[1].content, b"bob's")
        with self.assertRaises(Exception):
            admin.files_upload(b"x", "/data/y")
        self.assertEqual(self.names(admin, "/data"), ["x"])

    def test_a_suspended_member_is_refused(self):
        self.sandbox.control("add_member", given_name="Sue", surname="Gone", email="sue@example.org")
        sue = self.profile("sue@example.org").team_member_id
        self.sandbox.control("suspend", email="sue@example.org")
        self.assertTrue(self.profile("sue@example.org").status.is_suspended())
        with self.assertRaises(AuthError) as raised:
            self.names(self.team.as_user(sue))
        self.assertTrue(raised.exception.error.is_user_suspended())

    def test_rclone_and_we_are_the_same_member(self):
        self.connect_rclone()
        tokens = self.sandbox.control("grant")
        import json

        paste = json.dumps({**tokens, "token_type": "bearer", "expiry": "2099-01-01T00:00:00Z"})
        self.node_tool("config", "create", "dbx", "--team", "--app-key", self.sandbox.key, "--token-stdin", stdin=paste)
        for arguments in [["lsf", "-R", "dbx:"], ["cat", "dbx:data/x"], ["lsl", "dbx:"]]:
            theirs = self.rclone(*arguments, "--dropbox-impersonate", BOB)[0]
            self.assertEqual(self.node_tool(*arguments, "--dropbox-impersonate", BOB)[0], theirs)
        self.rclone("lsf", "dbx:", "--dropbox-impersonate", "eve@example.org", code=1)


class Persons(PeerTest):
    def test_the_headers_are_for_teams(self):
        token = self.sandbox.control("grant")["access_token"]
        for name in ["Dropbox-API-Select-User", "Dropbox-API-Select-Admin"]:
            with self.assertRaises(BadInputError):
                dropbox.Dropbox(token, ca_certs=self.sandbox.ca, headers={name: "dbmid:x"}).files_list_folder("")
        with self.assertRaises((BadInputError, ApiError)):
            dropbox.DropboxTeam(oauth2_access_token=token, ca_certs=self.sandbox.ca).team_get_info()
