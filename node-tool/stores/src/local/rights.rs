//! Mode, owner, group, ACL and extended attributes of a file that replaces another.

use std::{
    fs::{File, FileTimes},
    io,
    os::fd::AsFd,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::{
    fs::{
        AtFlags, Gid, Mode, RawMode, Stat, Uid, XattrFlags, fchmod, fchown, fgetxattr, fgetxattr_query,
        flistxattr, flistxattr_query, fremovexattr, fsetxattr, fstat, openat, unlinkat,
    },
    io::Errno,
};

use super::{
    root::{self, is_one},
    temporary::temporary_name,
};
use engine::entry::Modified;

/// Access control lists. They come after the mode, which would change them.
const ACLS: [&[u8]; 3] = [b"system.posix_acl_access", b"system.nfs4_acl", b"system.richacl"];
/// The extended attributes that are the user's own.
const USER: &[u8] = b"user.";
/// Read, write and execute for all: setuid and setgid bits are not copied to new content, just as a write
/// by another user clears them.
const PERMISSIONS: RawMode = 0o777;

/// Copies the attributes of `old`, which is about to be replaced, to `new`. What isn't allowed is left out: no user may read
/// or write more than before.
pub(super) fn take_over(new: &File, folder: impl AsFd, name: &str, old: &Stat) {
    let attributes = match root::open_file(folder, name) {
        Ok(file) if fstat(&file).is_ok_and(|there| is_one(&there, old)) => read_attributes(&file),
        _ => Vec::new(), // it may not be read, or changes at this moment
    };
    let Ok(own) = fstat(new) else { return };
    let has_other = |new: u32, old: u32| (new != old).then_some(old);
    let (owner, group) = (
        has_other(own.st_uid, old.st_uid),
        has_other(own.st_gid, old.st_gid),
    );
    if owner.is_some() || group.is_some() {
        let owned = fchown(new, owner.map(Uid::from_raw), group.map(Gid::from_raw));
        if owned.is_err() && owner.is_some() && group.is_some() {
            let _ = fchown(new, None, group.map(Gid::from_raw)); // only root gives files away
        }
    }
    let has_group = fstat(new).is_ok_and(|now| now.st_gid == old.st_gid);
    let mode = kept_mode(old.st_mode & PERMISSIONS, has_group);
    let has_acl = attributes.iter().any(|(name, _)| name == ACLS[0]);
    if !has_acl {
        let _ = fremovexattr(new, ACLS[0]); // one that the folder gives to new files
    }
    let _ = fchmod(new, Mode::from_raw_mode(mode)); // some file systems have no modes
    for (name, value) in &attributes {
        if has_group || !ACLS.contains(&name.as_slice()) {
            let _ = fsetxattr(new, name.as_slice(), value, XattrFlags::empty()); // where allowed
        }
    }
}

/// Returns the mode for a file whose group may have to change: the group gets no more than all others.
fn kept_mode(mode: RawMode, has_group: bool) -> RawMode {
    if has_group {
        mode
    } else {
        mode & !0o070 | (mode & (mode << 3) & 0o070)
    }
}

fn read_attributes(file: &File) -> Vec<(Vec<u8>, Vec<u8>)> {
    let list = || {
        let mut names = vec![0; flistxattr_query(file)?];
        let length = flistxattr(file, &mut names[..])?;
        names.truncate(length);
        Ok::<_, Errno>(names)
    };
    let value = |name: &[u8]| {
        let mut value = vec![0; fgetxattr_query(file, name)?];
        let length = fgetxattr(file, name, &mut value[..])?;
        value.truncate(length);
        Ok::<_, Errno>(value)
    };
    let is_kept = |name: &&[u8]| name.starts_with(USER) || ACLS.contains(name);
    let names = list().unwrap_or_default();
    names
        .split(|byte| *byte == 0)
        .filter(is_kept)
        .filter_map(|name| Some((name.to_vec(), value(name).ok()?)))
        .collect()
}

/// Sets the mode that a new file gets in this folder, which is found out by making one.
pub(super) fn as_new(file: &File, folder: impl AsFd) {
    let name = temporary_name();
    let Ok(new) = openat(&folder, name.as_str(), root::NEW, Mode::from_raw_mode(0o666)) else {
        return;
    };
    let mode = fstat(&new).map(|there| there.st_mode & PERMISSIONS);
    let _ = unlinkat(folder, name.as_str(), AtFlags::empty()); // it is empty, and has the name of a leftover
    if let Ok(mode) = mode {
        let _ = fchmod(file, Mode::from_raw_mode(mode)); // as above
    }
}

/// Sets the modification time of an open file.
pub(super) fn set_modified(file: &File, modified: Modified) -> io::Result<()> {
    let magnitude = Duration::from_secs(modified.seconds.unsigned_abs());
    let time = if modified.seconds >= 0 {
        UNIX_EPOCH.checked_add(magnitude)
    } else {
        UNIX_EPOCH.checked_sub(magnitude)
    };
    let time: SystemTime = time.ok_or_else(|| io::Error::other("its time can't be kept"))?
        + Duration::from_nanos(modified.nanoseconds.into());
    file.set_times(FileTimes::new().set_modified(time))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::MetadataExt};

    use super::*;
    use crate::local::Root;

    #[test]
    fn a_group_that_can_not_be_kept_gets_no_more_than_all() {
        for (mode, has_group, expected) in [
            (0o640, true, 0o640),
            (0o640, false, 0o600),
            (0o664, false, 0o644),
            (0o775, false, 0o755),
            (0o604, false, 0o604),
            (0o670, false, 0o600),
        ] {
            assert_eq!(kept_mode(mode, has_group), expected, "{mode:o}");
        }
    }

    #[test]
    fn attributes_and_owner_are_taken_over_where_allowed() {
        let directory = tempfile::tempdir().unwrap();
        let (old, new) = (directory.path().join("old"), directory.path().join("new"));
        fs::write(&old, "old").unwrap();
        let new = File::create_new(new).unwrap();
        let old_file = File::open(&old).unwrap();
        let is_known = fsetxattr(&old_file, "user.project", b"alpha", XattrFlags::empty()).is_ok();
        let is_root = rustix::process::geteuid().is_root();
        if is_root {
            fchown(
                &old_file,
                Some(Uid::from_raw(65_534)),
                Some(Gid::from_raw(65_533)),
            )
            .unwrap();
        }
        // Version 2; owner rw, user 65534 r, group -, mask r, others -.
        let entry = |tag: u16, rights: u16, id: u32| {
            [&tag.to_le_bytes()[..], &rights.to_le_bytes(), &id.to_le_bytes()].concat()
        };
        let acl = [
            &2_u32.to_le_bytes()[..],
            &entry(1, 6, u32::MAX),
            &entry(2, 4, 1234),
            &entry(4, 0, u32::MAX),
            &entry(16, 4, u32::MAX),
            &entry(32, 0, u32::MAX),
        ]
        .concat();
        let has_acl = fsetxattr(&old_file, ACLS[0], &acl, XattrFlags::empty()).is_ok();
        let root = Root::new(directory.path());
        let (folder, name) = root.around("old", false).unwrap();
        take_over(&new, &folder, name, &root.stat("old").unwrap().unwrap());
        if is_known {
            let mut value = [0; 5];
            assert_eq!(fgetxattr(&new, "user.project", &mut value[..]).unwrap(), 5);
            assert_eq!(&value, b"alpha");
        }
        if has_acl {
            let mut value = vec![0; acl.len()];
            assert_eq!(fgetxattr(&new, ACLS[0], &mut value[..]).unwrap(), acl.len());
            assert_eq!(value, acl);
        }
        let (old, new) = (old_file.metadata().unwrap(), new.metadata().unwrap());
        assert_eq!(
            (old.mode(), old.uid(), old.gid()),
            (new.mode(), new.uid(), new.gid())
        );
    }
}
