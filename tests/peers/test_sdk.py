"""The official SDK against the sandbox: login, files, sessions, batches, listings, moves, errors."""

import threading
from datetime import datetime

import dropbox
from dropbox import files
from dropbox.exceptions import ApiError, AuthError, BadInputError
from dropbox.oauth import BadStateException, NotApprovedException
from peers import BLOCK, REDIRECT, PeerTest, SdkTest, content_hash


def query(url):
    from urllib.parse import parse_qs, urlsplit

    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


class Login(PeerTest):
    def no_redirect(self, **options):
        flow = dropbox.DropboxOAuth2FlowNoRedirect(
            self.sandbox.key, use_pkce=True, token_access_type="offline", ca_certs=self.sandbox.ca, **options
        )
        return flow, self.sandbox.control("allow", url=flow.start())["code"]

    def test_without_redirect(self):
        flow, code = self.no_redirect()
        result = flow.finish(code)
        self.assertTrue(result.refresh_token)
        self.assertIn("files.content.write", result.scope)
        client = dropbox.Dropbox(result.access_token, ca_certs=self.sandbox.ca)
        self.assertEqual(client.users_get_current_account().email, "ann@example.org")

    def test_a_code_works_once(self):
        import requests

        flow, code = self.no_redirect()
        flow.finish(code)
        with self.assertRaises(requests.HTTPError):
            flow.finish(code)

    def test_another_verifier_is_refused(self):
        import requests

        _, code = self.no_redirect()
        other, _ = self.no_redirect()
        with self.assertRaises(requests.HTTPError):
            other.finish(code)

    def test_with_redirect(self):
        session = {}
        flow = dropbox.DropboxOAuth2Flow(
            self.sandbox.key, REDIRECT, session, "csrf", use_pkce=True, token_access_type="offline", ca_certs=self.sandbox.ca
        )
        url = flow.start()
        back = query(self.sandbox.control("allow", url=url)["redirect"])
        self.assertTrue(flow.finish(back).refresh_token)
        url = flow.start()
        back = query(self.sandbox.control("deny", url=url)["redirect"])
        with self.assertRaises(NotApprovedException):
            flow.finish(back)
        flow.start()
        with self.assertRaises(BadStateException):
            session.clear()
            flow.finish(back)

    def test_expired_tokens_are_renewed_and_revoked_ones_are_not(self):
        client = self.client()
        self.sandbox.control("expire_access_tokens")
        client.users_get_current_account()
        client.auth_token_revoke()
        with self.assertRaises(AuthError) as caught:
            client.users_get_current_account()
        self.assertTrue(caught.exception.error.is_invalid_access_token())

    def test_a_missing_scope_is_named(self):
        client = self.client(scopes=["account_info.read"])
        with self.assertRaises(AuthError) as caught:
            client.files_list_folder("")
        self.assertEqual(caught.exception.error.get_missing_scope().required_scope, "files.metadata.read")


class Files(SdkTest):
    def test_modes_and_conflicts(self):
        path = f"{self.folder}/Sub/ü 😀.txt"
        first = self.dbx.files_upload(b"one", path, client_modified=datetime(2020, 1, 2, 3, 4, 5))
        self.assertEqual(first.content_hash, content_hash(b"one"))
        self.assertEqual(first.client_modified, datetime(2020, 1, 2, 3, 4, 5))
        again = self.dbx.files_upload(b"one", path)
        self.assertEqual(again.rev, first.rev, "the same content is no conflict and no new revision")
        error = self.refused(self.dbx.files_upload, b"two", path)
        self.assertTrue(error.get_path().reason.get_conflict().is_file())
        error = self.refused(self.dbx.files_upload, b"two", self.folder)
        self.assertTrue(error.get_path().reason.get_conflict().is_folder())
        error = self.refused(self.dbx.files_upload, b"two", f"{path}/below")
        self.assertTrue(error.get_path().reason.get_conflict().is_file_ancestor())
        renamed = self.dbx.files_upload(b"two", path, autorename=True)
        self.assertEqual(renamed.name, "ü 😀 (1).txt")
        update = files.WriteMode.update(first.rev)
        second = self.dbx.files_upload(b"two", path.upper(), mode=update)
        self.assertEqual(second.id, first.id)
        self.refused(self.dbx.files_upload, b"three", path, mode=update)
        self.dbx.files_upload(b"three", path, mode=files.WriteMode.overwrite)
        error = self.refused(self.dbx.files_upload, b"x", f"{self.folder}/x", content_hash="0" * 64)
        self.assertTrue(error.is_content_hash_mismatch())

    def test_refused_names(self):
        for name in ["back\\slash", "trailing ", "thumbs.db", ".dropbox", "x" * 256]:
            reason = self.refused(self.dbx.files_upload, b"x", f"{self.folder}/{name}").get_path().reason
            self.assertTrue(reason.is_malformed_path() or reason.is_disallowed_name(), name)

    def test_download_and_metadata(self):
        data = bytes(range(256)) * 100
        there = self.dbx.files_upload(data, f"{self.folder}/file")
        metadata, response = self.dbx.files_download(f"{self.folder}/FILE")
        self.assertEqual((metadata.rev, response.content), (there.rev, data))
        self.assertEqual(self.dbx.files_download(f"rev:{there.rev}")[1].content, data)
        self.assertEqual(self.dbx.files_get_metadata(there.id).path_display, f"{self.folder}/file")
        self.assertTrue(self.refused(self.dbx.files_get_metadata, f"{self.folder}/no").get_path().is_not_found())
        self.assertTrue(self.refused(self.dbx.files_download, self.folder).get_path().is_not_file())
        with self.assertRaises(BadInputError):
            self.dbx.files_list_folder("/")

    def test_a_folder_as_a_zip(self):
        import io
        import zipfile

        name = self.folder[1:]
        for below, text in [("a", b"alpha"), ("sub/b", b"beta" * 1000)]:
            self.dbx.files_upload(text, f"{self.folder}/{below}")
        metadata, response = self.dbx.files_download_zip(self.folder.upper())
        self.assertEqual(metadata.metadata.name, name)
        self.assertNotIn("Content-Length", response.headers)
        archive = zipfile.ZipFile(io.BytesIO(response.content))
        self.assertIsNone(archive.testzip())
        self.assertEqual(archive.read(f"{name}/a"), b"alpha")
        self.assertEqual(archive.read(f"{name}/sub/b"), b"beta" * 1000)
        error = self.refused(self.dbx.files_download_zip, f"{self.folder}/a")
        self.assertTrue(error.get_path().is_not_folder())

    def test_sequential_session(self):
        pieces = [b"a" * 1000, b"b" * 2000, b"c" * 500]
        session = self.dbx.files_upload_session_start(pieces[0]).session_id
        cursor = files.UploadSessionCursor(session, 1000)
        self.dbx.files_upload_session_append_v2(pieces[1], cursor)
        error = self.refused(self.dbx.files_upload_session_append_v2, pieces[1], cursor)
        self.assertEqual(error.get_incorrect_offset().correct_offset, 3000)
        commit = files.CommitInfo(f"{self.folder}/file")
        done = self.dbx.files_upload_session_finish(pieces[2], files.UploadSessionCursor(session, 3000), commit)
        self.assertEqual(done.content_hash, content_hash(b"".join(pieces)))
        error = self.refused(self.dbx.files_upload_session_append_v2, b"x", cursor)
        self.assertTrue(error.is_not_found())

    def test_concurrent_session(self):
        start = files.UploadSessionType.concurrent
        self.assertTrue(
            self.refused(self.dbx.files_upload_session_start, b"x", session_type=start).is_concurrent_session_data_not_allowed()
        )
        session = self.dbx.files_upload_session_start(b"", session_type=start).session_id
        data = [bytes([n]) * BLOCK for n in range(3)] + [b"tail"]
        at = lambda n: files.UploadSessionCursor(session, n * BLOCK)
        append = self.dbx.files_upload_session_append_v2
        self.assertTrue(self.refused(append, b"x" * BLOCK, files.UploadSessionCursor(session, 1)).is_concurrent_session_invalid_offset())
        self.assertTrue(self.refused(append, b"x", at(0)).is_concurrent_session_invalid_data_size())
        append(data[2], at(2))
        append(data[0], at(0))
        size = 3 * BLOCK + 4
        finish = lambda: self.dbx.files_upload_session_finish(
            b"", files.UploadSessionCursor(session, size), files.CommitInfo(f"{self.folder}/file")
        )
        self.assertTrue(self.refused(finish).is_concurrent_session_not_closed())
        append(data[1], at(1))
        append(data[3], at(3), close=True)
        self.assertTrue(self.refused(append, data[1], at(1)).is_closed())
        self.assertEqual(finish().content_hash, content_hash(b"".join(data)))

    def test_batches(self):
        sessions = self.dbx.files_upload_session_start_batch(3).session_ids
        data = [b"one", b"second", b"the third"]
        entries = [
            files.UploadSessionAppendBatchArgEntry(files.UploadSessionCursor(session, 0), len(piece), close=True)
            for session, piece in zip(sessions, data)
        ]
        refused = self.refused(self.dbx.files_upload_session_append_batch, b"short", entries)
        self.assertTrue(refused.is_length_mismatch())
        result = self.dbx.files_upload_session_append_batch(b"".join(data), entries)
        self.assertTrue(all(entry.is_success() for entry in result.entries))
        args = [
            files.UploadSessionFinishArg(
                files.UploadSessionCursor(session, len(piece)), files.CommitInfo(f"{self.folder}/{len(piece)}")
            )
            for session, piece in zip(sessions, data)
        ]
        args[1].cursor.offset = 1
        result = self.dbx.files_upload_session_finish_batch_v2(args).entries
        self.assertTrue(result[0].is_success() and result[2].is_success())
        self.assertEqual(result[0].get_success().content_hash, content_hash(data[0]))
        self.assertEqual(result[1].get_failure().get_lookup_failed().get_incorrect_offset().correct_offset, 6)

    def test_moves_copies_deletes(self):
        self.dbx.files_upload(b"x", f"{self.folder}/a/one")
        self.dbx.files_create_folder_v2(f"{self.folder}/empty")
        self.assertTrue(self.refused(self.dbx.files_create_folder_v2, f"{self.folder}/empty").get_path().get_conflict().is_folder())
        copied = self.dbx.files_copy_v2(f"{self.folder}/a", f"{self.folder}/b").metadata
        self.assertIsInstance(copied, files.FolderMetadata)
        moved = self.dbx.files_move_v2(f"{self.folder}/b/one", f"{self.folder}/two").metadata
        self.assertEqual(moved.path_display, f"{self.folder}/two")
        self.assertTrue(self.refused(self.dbx.files_move_v2, f"{self.folder}/b/one", f"{self.folder}/c").get_from_lookup().is_not_found())
        entries = [files.RelocationPath(f"{self.folder}/two", f"{self.folder}/three")]
        job = self.dbx.files_move_batch_v2(entries).get_async_job_id()
        while (status := self.dbx.files_move_batch_check_v2(job)).is_in_progress():
            pass
        self.assertEqual(status.get_complete().entries[0].get_success().name, "three")
        wrong = self.refused(self.dbx.files_delete_v2, f"{self.folder}/three", parent_rev="0123456789")
        self.assertTrue(wrong.is_path_write())
        job = self.dbx.files_delete_batch([files.DeleteArg(f"{self.folder}/three"), files.DeleteArg("/no")]).get_async_job_id()
        while (status := self.dbx.files_delete_batch_check(job)).is_in_progress():
            pass
        entries = status.get_complete().entries
        self.assertTrue(entries[0].is_success())
        self.assertTrue(entries[1].get_failure().get_path_lookup().is_not_found())
        self.assertEqual(self.dbx.files_delete_v2(self.folder).metadata.path_lower, self.folder.lower())

    def test_an_address_is_saved(self):
        url = "https://example.org/file.txt"
        self.sandbox.control("serve", url=url, text="served")

        def saved(path, url):
            job = self.dbx.files_save_url(path, url).get_async_job_id()
            while (status := self.dbx.files_save_url_check_job_status(job)).is_in_progress():
                pass
            return status

        file = saved(f"{self.folder}/file", url).get_complete()
        self.assertEqual((file.name, file.content_hash), ("file", content_hash(b"served")))
        self.dbx.files_upload(b"other", f"{self.folder}/taken")
        self.assertEqual(saved(f"{self.folder}/taken", url).get_complete().name, "taken (1)")
        self.assertTrue(saved(f"{self.folder}/none", url + "x").get_failed().is_download_failed())
        self.assertTrue(self.refused(self.dbx.files_save_url, f"{self.folder}/none", "file:///etc/passwd").is_invalid_url())

    def test_a_revision_can_be_restored(self):
        path = f"{self.folder}/file"
        old = self.dbx.files_upload(b"old", path)
        self.dbx.files_upload(b"new", path, mode=files.WriteMode.overwrite)
        self.assertEqual([e.size for e in self.dbx.files_list_revisions(path).entries], [3, 3])
        self.assertEqual(self.dbx.files_restore(path, old.rev).content_hash, content_hash(b"old"))

    def test_the_past_is_listed_page_by_page(self):
        path = f"{self.folder}/file"
        revs = [self.dbx.files_upload(b"%d" % n, path, mode=files.WriteMode.overwrite).rev for n in range(3)]
        self.dbx.files_delete_v2(path)
        revs.append(self.dbx.files_upload(b"again", path).rev)
        page = self.dbx.files_list_revisions(path, limit=2, include_restorable_info=True)
        self.assertEqual([e.rev for e in page.entries], [revs[3], revs[2]])
        self.assertTrue(page.has_more and not page.is_deleted and page.entries[0].is_restorable)
        # The page before the one that came after the deletion says that it was deleted, and when.
        page = self.dbx.files_list_revisions(path, before_rev=revs[3])
        self.assertEqual([e.rev for e in page.entries], revs[2::-1])
        self.assertTrue(page.is_deleted and page.server_deleted and not page.has_more)
        self.assertFalse(self.dbx.files_list_revisions(path, before_rev=revs[1]).is_deleted)
        for arguments, error in [
            ({"before_rev": "0123456789abcdef"}, files.ListRevisionsError.is_invalid_before_rev),
            ({"before_rev": revs[1], "mode": files.ListRevisionsMode.id}, files.ListRevisionsError.is_before_rev_not_supported),
        ]:
            with self.assertRaises(ApiError) as raised:
                self.dbx.files_list_revisions(path, **arguments)
            self.assertTrue(error(raised.exception.error))

    def test_what_is_deleted_is_listed_and_restored(self):
        self.dbx.files_upload(b"x", f"{self.folder}/d/x")
        self.dbx.files_delete_v2(f"{self.folder}/d")
        listed = self.dbx.files_list_folder(self.folder, recursive=True, include_deleted=True, include_restorable_info=True)
        gone = {e.path_display: e.is_restorable for e in listed.entries if isinstance(e, files.DeletedMetadata)}
        self.assertEqual(gone, {f"{self.folder}/d": True, f"{self.folder}/d/x": True})
        with self.assertRaises(ApiError) as raised:
            self.dbx.files_list_revisions(f"{self.folder}/d")
        self.assertTrue(raised.exception.error.get_path().is_not_file())
        past = self.dbx.files_list_revisions(f"{self.folder}/d/x")
        self.assertTrue(past.is_deleted and past.server_deleted)
        self.assertEqual(self.dbx.files_restore(f"{self.folder}/elsewhere/y", past.entries[0].rev).name, "y")
        with self.assertRaises(ApiError) as raised:
            self.dbx.files_restore(f"{self.folder}/d/x", "0123456789abcdef")
        self.assertTrue(raised.exception.error.is_invalid_revision())


class Listing(PeerTest):
    options = ("--page-limit", "7")

    def all(self, dbx, **arguments):
        result = dbx.files_list_folder(**arguments)
        entries = list(result.entries)
        while result.has_more:
            result = dbx.files_list_folder_continue(result.cursor)
            entries += result.entries
        return entries, result.cursor

    def test_pages_changes_and_longpoll(self):
        dbx = self.client()
        for n in range(40):
            dbx.files_upload(bytes([n]), f"/tree/d{n % 5}/f{n}")
        entries, cursor = self.all(dbx, path="/tree", recursive=True)
        self.assertEqual(len([e for e in entries if isinstance(e, files.FileMetadata)]), 40)
        self.assertEqual(len({e.path_lower for e in entries}), 46, "40 files, 5 folders and the folder itself")
        self.assertEqual(len(self.all(dbx, path="/TREE")[0]), 5)

        self.assertFalse(dbx.files_list_folder_continue(cursor).has_more)
        woken = []
        waiting = threading.Thread(target=lambda: woken.append(dbx.files_list_folder_longpoll(cursor, timeout=30)))
        waiting.start()
        other = self.client()
        other.files_upload(b"new", "/tree/new")
        waiting.join()
        self.assertTrue(woken[0].changes)
        other.files_delete_v2("/tree/d0")
        result = dbx.files_list_folder_continue(cursor)
        changed = list(result.entries)
        while result.has_more:
            result = dbx.files_list_folder_continue(result.cursor)
            changed += result.entries
        self.assertEqual([type(e).__name__ for e in changed], ["FileMetadata", "DeletedMetadata"])

        latest = dbx.files_list_folder_get_latest_cursor("/tree", recursive=True).cursor
        self.assertEqual(dbx.files_list_folder_continue(latest).entries, [])
        self.sandbox.control("reset_cursors")
        with self.assertRaises(ApiError) as caught:
            dbx.files_list_folder_continue(latest)
        self.assertTrue(caught.exception.error.is_reset())


class Team(PeerTest):
    options = ("--team",)

    def test_roots(self):
        from dropbox.common import PathRoot
        from dropbox.exceptions import PathRootError

        dbx = self.client()
        root = dbx.users_get_current_account().root_info
        self.assertNotEqual(root.root_namespace_id, root.home_namespace_id)
        dbx.files_upload(b"x", "/mine")
        team = dbx.with_path_root(PathRoot.root(root.root_namespace_id))
        self.assertTrue(team.files_get_metadata(f"{root.home_path}/mine"))
        with self.assertRaises(PathRootError):
            dbx.with_path_root(PathRoot.root("999")).files_list_folder("")
        self.assertTrue(dbx.users_get_space_usage().allocation.is_team())
