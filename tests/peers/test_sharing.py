"""The official SDK against the sandbox: links, what is behind them, shared folders and files, copy references."""

from datetime import datetime, timedelta, timezone

from dropbox import files, sharing
from dropbox.exceptions import BadInputError
from peers import SdkTest


def later(**delta):
    return (datetime.now(timezone.utc) + timedelta(**delta)).replace(microsecond=0, tzinfo=None)


class SharingTest(SdkTest):
    def published(self, settings=None, is_old=False):
        for path, text in [("a.txt", "alpha"), ("sub/b.txt", "beta" * 1000)]:
            self.sandbox.control("put_file_of_other", path=f"{self.folder}/{path}", text=text)
        return self.sandbox.control("publish", path=self.folder, settings=settings, is_old=is_old)["url"]


class OwnLinks(SharingTest):
    def setUp(self):
        super().setUp()
        self.file = f"{self.folder}/file.txt"
        self.dbx.files_upload(b"hello", self.file)

    def test_made_listed_changed_and_revoked(self):
        link = self.dbx.sharing_create_shared_link_with_settings(self.file)
        self.assertIsInstance(link, sharing.FileLinkMetadata)
        self.assertEqual((link.name, link.size, link.path_lower), ("file.txt", 5, self.file.lower()))
        self.assertTrue(link.link_permissions.effective_audience.is_public())
        error = self.refused(self.dbx.sharing_create_shared_link_with_settings, self.file)
        self.assertEqual(error.get_shared_link_already_exists().get_metadata().url, link.url)
        around = self.dbx.sharing_create_shared_link_with_settings(self.folder)
        self.assertIsInstance(around, sharing.FolderLinkMetadata)
        urls = lambda **options: {found.url for found in self.dbx.sharing_list_shared_links(**options).links}
        self.assertEqual(urls(path=self.file, direct_only=True), {link.url})
        self.assertEqual(urls(path=self.file), {link.url, around.url})
        self.assertLessEqual({link.url, around.url}, urls())

        expires = later(days=7)
        settings = sharing.SharedLinkSettings(
            require_password=True, link_password="secret", expires=expires, audience=sharing.LinkAudience.public, allow_download=False
        )
        changed = self.dbx.sharing_modify_shared_link_settings(link.url, settings)
        self.assertEqual(changed.expires, expires)
        self.assertTrue(changed.link_permissions.require_password)
        self.assertFalse(changed.link_permissions.allow_download)
        open_again = sharing.SharedLinkSettings(require_password=False, allow_download=True)
        changed = self.dbx.sharing_modify_shared_link_settings(link.url, open_again, remove_expiration=True)
        self.assertIsNone(changed.expires)

        self.dbx.sharing_revoke_shared_link(link.url)
        self.assertTrue(self.refused(self.dbx.sharing_revoke_shared_link, link.url).is_shared_link_not_found())

    def test_settings_that_are_refused(self):
        create = lambda **settings: self.refused(
            self.dbx.sharing_create_shared_link_with_settings, self.file, sharing.SharedLinkSettings(**settings)
        ).get_settings_error()
        past = datetime(2020, 1, 1)
        for settings in [{}, {"expires": past}, {"require_password": True}, {"link_password": "x"}]:
            self.assertTrue(create(**settings).is_invalid_settings(), settings)
        self.assertTrue(create(audience=sharing.LinkAudience.team).is_not_authorized())
        self.sandbox.control("link_policy", is_basic=True)
        self.assertTrue(create(expires=later(days=1)).is_not_authorized())
        self.sandbox.control("link_policy")


class OpenedLinks(SharingTest):
    options = ("--page-limit", "7")

    def test_a_folder(self):
        for is_old in [False, True]:
            with self.subTest(is_old=is_old):
                url = self.published(is_old=is_old)
                there = self.dbx.sharing_get_shared_link_metadata(url)
                self.assertIsInstance(there, sharing.FolderLinkMetadata)
                self.assertIsNone(there.path_lower)
                link = files.SharedLink(url)
                listed = self.dbx.files_list_folder("", shared_link=link).entries
                self.assertEqual([entry.name for entry in listed], ["a.txt", "sub"])
                self.assertIsNone(listed[0].path_lower)
                below = self.dbx.files_list_folder("/SUB", shared_link=link).entries
                file, response = self.dbx.sharing_get_shared_link_file(url, path="/sub/b.txt")
                self.assertEqual((file.rev, response.content), (below[0].rev, b"beta" * 1000))
                error = self.refused(self.dbx.sharing_get_shared_link_file, url)
                self.assertTrue(error.is_shared_link_is_directory())
                with self.assertRaises(BadInputError):
                    self.dbx.files_list_folder("", recursive=True, shared_link=link)
                self.sandbox.control("end_link", url=url)
                self.assertTrue(self.refused(self.dbx.sharing_get_shared_link_metadata, url).is_shared_link_not_found())
                self.assertTrue(self.refused(self.dbx.files_list_folder, "", shared_link=link).get_path().is_not_found())

    def test_many_pages(self):
        for number in range(30):
            self.sandbox.control("put_file_of_other", path=f"{self.folder}/{number}", text="x")
        url = self.sandbox.control("publish", path=self.folder)["url"]
        page = self.dbx.files_list_folder("", shared_link=files.SharedLink(url))
        names = [entry.name for entry in page.entries]
        while page.has_more:
            page = self.dbx.files_list_folder_continue(page.cursor)
            names += [entry.name for entry in page.entries]
        self.assertEqual(len(set(names)), 30)

    def test_passwords_downloads_and_ends(self):
        settings = {"require_password": True, "link_password": "secret", "allow_download": False}
        url = self.published(settings)
        opened = self.dbx.sharing_get_shared_link_metadata
        self.assertTrue(self.refused(opened, url).is_shared_link_access_denied())
        self.assertTrue(self.refused(opened, url, link_password="wrong").is_shared_link_access_denied())
        self.assertFalse(opened(url, link_password="secret").link_permissions.allow_download)
        error = self.refused(self.dbx.sharing_get_shared_link_file, url, path="/a.txt", link_password="secret")
        self.assertTrue(error.is_shared_link_access_denied())
        self.sandbox.control("ban_link", url=url)
        self.assertTrue(self.refused(opened, url, link_password="secret").is_shared_link_access_denied())
        error = self.refused(self.dbx.sharing_revoke_shared_link, url)
        self.assertTrue(error.is_shared_link_access_denied(), "it is somebody else's")


class Folders(SharingTest):
    def test_mounted_and_unmounted(self):
        ns = self.sandbox.control("share_folder_of_other", path=self.folder, read_only=True)["namespace_id"]
        self.sandbox.control("put_file_of_other", path=f"{self.folder}/f", text="x")
        mine = lambda: {folder.shared_folder_id: folder for folder in self.dbx.sharing_list_folders().entries}[ns]
        self.assertIsNone(mine().path_lower)
        self.assertEqual((mine().name, mine().owner_display_names), (self.folder[1:], ["Bea Other"]))
        self.assertTrue(self.dbx.sharing_get_folder_metadata(ns).access_type.is_viewer())
        self.assertEqual(len(self.dbx.sharing_list_mountable_folders().entries), 1)
        self.assertEqual([entry.name for entry in self.dbx.files_list_folder(f"ns:{ns}").entries], ["f"])
        mounted = self.dbx.sharing_mount_folder(ns)
        self.assertEqual(mounted.path_lower, self.folder.lower())
        self.assertTrue(self.refused(self.dbx.sharing_mount_folder, ns).is_already_mounted())
        error = self.refused(self.dbx.files_upload, b"x", f"{self.folder}/g")
        self.assertTrue(error.get_path().reason.is_no_write_permission())
        self.dbx.sharing_unmount_folder(ns)
        self.assertTrue(self.refused(self.dbx.sharing_unmount_folder, ns).get_access_error().is_unmounted())
        self.sandbox.control("withdraw_all")
        error = self.refused(self.dbx.sharing_get_folder_metadata, ns)
        self.assertTrue(error.is_not_a_member())

    def test_pages_of_folders(self):
        for number in range(5):
            self.sandbox.control("share_folder_of_other", path=f"{self.folder}{number}")
        page = self.dbx.sharing_list_folders(limit=2)
        count = len(page.entries)
        while page.cursor:
            page = self.dbx.sharing_list_folders_continue(page.cursor)
            count += len(page.entries)
        self.assertGreaterEqual(count, 5)


class ReceivedFiles(SharingTest):
    def test_read_by_their_address(self):
        self.sandbox.control("put_file_of_other", path=f"{self.folder}/f.txt", text="for you")
        self.sandbox.control("share_file_of_other", path=f"{self.folder}/f.txt")
        [file] = self.dbx.sharing_list_received_files().entries
        self.assertEqual((file.name, file.owner_display_names), ("f.txt", ["Bea Other"]))
        self.assertEqual(self.dbx.sharing_get_file_metadata(file.id).name, "f.txt")
        _, response = self.dbx.sharing_get_shared_link_file(file.preview_url)
        self.assertEqual(response.content, b"for you")
        error = self.refused(self.dbx.sharing_get_shared_link_file, file.preview_url, link_password="x")
        self.assertTrue(error.is_unsupported_parameter_field())


class CopyReferences(SharingTest):
    def test_a_folder_is_copied(self):
        self.dbx.files_upload(b"x", f"{self.folder}/a/b")
        reference = self.dbx.files_copy_reference_get(f"{self.folder}/a")
        saved = self.dbx.files_copy_reference_save(reference.copy_reference, f"{self.folder}/copy")
        self.assertEqual(saved.metadata.path_display, f"{self.folder}/copy")
        self.assertEqual(self.dbx.files_get_metadata(f"{self.folder}/copy/b").size, 1)
        error = self.refused(self.dbx.files_copy_reference_save, reference.copy_reference, f"{self.folder}/copy")
        self.assertTrue(error.get_path().get_conflict().is_folder())
        error = self.refused(self.dbx.files_copy_reference_save, "no", f"{self.folder}/x")
        self.assertTrue(error.is_invalid_copy_reference())
