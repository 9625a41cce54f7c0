//! The configuration's file: what is never lost, and what is refused.

use std::{
    os::unix::fs::{PermissionsExt, symlink},
    thread,
};

use super::*;
use crate::config::Remote;

fn store(directory: &Path) -> Store {
    Store::new(directory.join("a").join("config.toml"), Password::default())
}

fn named(name: PathBuf) -> Store {
    Store::new(name, Password::default())
}

fn add(store: &Store, name: &str) -> Result<(), ConfigError> {
    store.update(|c| drop(c.remotes.insert(name.into(), Remote::default())))
}

#[test]
fn writers_through_two_names_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    symlink("real", at("folder")).unwrap();
    fs::create_dir(at("real")).unwrap();
    symlink("real/config.toml", at("link.toml")).unwrap(); // dangles at first
    let names = ["real/config.toml", "folder/config.toml", "link.toml"];
    thread::scope(|scope| {
        for index in 0..30 {
            let name = at(names[index % names.len()]);
            scope.spawn(move || add(&named(name), &format!("r{index}")).unwrap());
        }
    });
    assert!(at("link.toml").is_symlink());
    for name in names {
        assert_eq!(named(at(name)).load().unwrap().remotes.len(), 30, "{name}");
    }
    assert_eq!(fs::read_dir(at("real")).unwrap().count(), 1, "no litter");
}

#[test]
fn what_is_no_file_is_neither_changed_nor_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    fs::create_dir(at("folder")).unwrap();
    fs::set_permissions(at("folder"), PermissionsExt::from_mode(0o755)).unwrap();
    let state = |path: &Path| fs::metadata(path).map(|m| (m.mode(), m.ino(), m.rdev())).unwrap();
    for name in [at("socket"), at("folder"), "/dev/null".into(), "/dev/zero".into()] {
        let (store, before) = (named(name.clone()), state(&name));
        assert_eq!(
            store.repair_permissions(&Config::default()).unwrap(),
            Vec::<PathBuf>::new()
        );
        for done in [add(&store, "x"), store.probe(), store.set_password(None)] {
            let error = done.unwrap_err();
            assert!(
                matches!(error, ConfigError::NotAFile { .. } | ConfigError::NotKept(_)),
                "{error}"
            );
        }
        assert_eq!(state(&name), before, "{}", name.display());
        assert_eq!(store.load().is_ok(), name == Path::new("/dev/null"));
    }
    for empty in ["", "/dev/null"] {
        assert_eq!(named(empty.into()).load().unwrap(), Config::default());
    }
}

#[test]
fn a_pipe_is_read_once() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = directory.path().join("fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .unwrap();
    let store = named(fifo.clone());
    let writer = thread::spawn(move || fs::write(fifo, "[remotes.x]\napp_key = \"k\"\n").unwrap());
    for _ in 0..3 {
        assert_eq!(store.clone().load().unwrap().remotes["x"].app_key, "k");
    }
    writer.join().unwrap();
    assert!(!store.is_kept());
}

#[test]
fn another_users_file_is_read_and_left_alone() {
    if !rustix::process::geteuid().is_root() {
        return; // only root can make one
    }
    let directory = tempfile::tempdir().unwrap();
    let store = named(directory.path().join("config.toml"));
    add(&store, "x").unwrap();
    std::os::unix::fs::chown(store.path(), Some(4321), Some(1234)).unwrap();
    fs::set_permissions(store.path(), PermissionsExt::from_mode(0o644)).unwrap();
    assert_eq!(
        store.repair_permissions(&Config::default()).unwrap(),
        Vec::<PathBuf>::new()
    );
    add(&store, "y").unwrap(); // root may, and it stays theirs
    let found = fs::metadata(store.path()).unwrap();
    assert_eq!((found.uid(), found.gid()), (4321, 1234));
}

#[test]
fn a_file_for_a_group_keeps_its_group_and_its_permissions() {
    let directory = tempfile::tempdir().unwrap();
    let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
    let set = |p: &Path, mode| fs::set_permissions(p, PermissionsExt::from_mode(mode)).unwrap();
    let store = named(directory.path().join("c.toml"));
    fs::write(store.path(), "group_access = true\n").unwrap();
    set(store.path(), 0o664);
    let config = store.load().unwrap();
    assert_eq!(store.repair_permissions(&config).unwrap().len(), 1);
    assert_eq!(mode(store.path()), 0o660);
    set(store.path(), 0o640);
    add(&store, "x").unwrap();
    assert_eq!(mode(store.path()), 0o640);
    // The same in a directory whose files get its group.
    fs::write(store.path(), "").unwrap();
    set(directory.path(), 0o2770);
    add(&store, "y").unwrap();
    assert!(store.repair_permissions(&Config::default()).unwrap().is_empty());
    assert_eq!(mode(store.path()), 0o640);
}

#[test]
fn a_probe_finds_out_what_a_save_would_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    store.probe().unwrap();
    assert!(!store.path().exists());
    assert_eq!(fs::read_dir(store.path().parent().unwrap()).unwrap().count(), 0);
    fs::write(store.path(), "# mine\r\n").unwrap();
    store.probe().unwrap();
    assert_eq!(fs::read(store.path()).unwrap(), b"# mine\r\n");
    assert_eq!(fs::read_dir(store.path().parent().unwrap()).unwrap().count(), 1);
    for impossible in [
        "/proc/config.toml",
        "/proc/none/config.toml",
        "/dev/null/config.toml",
    ] {
        assert!(named(impossible.into()).probe().is_err(), "{impossible}");
    }
}

#[test]
fn what_killed_writers_left_is_swept_by_the_next_change() {
    let directory = tempfile::tempdir().unwrap();
    let left = directory.path().join(".config.aB3dEf.new");
    let store = named(directory.path().join("config.toml"));
    add(&store, "x").unwrap();
    let changes: [&dyn Fn(); 3] = [
        &|| add(&store, "y").unwrap(),
        &|| store.set_password(Some(Secret::new("p"))).unwrap(),
        &|| store.probe().unwrap(),
    ];
    for change in changes {
        fs::write(&left, "token").unwrap();
        change();
        assert!(!left.exists());
    }
}

#[test]
fn a_newer_versions_keys_survive_also_under_a_password() {
    let directory = tempfile::tempdir().unwrap();
    let store = named(directory.path().join("config.toml"));
    fs::write(
        store.path(),
        "# hi\r\nlater = 1\r\n[remotes.x]\r\napp_key = \"k\"\r\nsooner = [2]\r\n",
    )
    .unwrap();
    store.set_password(Some(Secret::new("p"))).unwrap();
    store
        .update(|c| c.remotes.get_mut("x").unwrap().email = Some("e".into()))
        .unwrap();
    store.set_password(None).unwrap();
    let text = fs::read_to_string(store.path()).unwrap();
    let expected = "# hi\r\nlater = 1\r\n[remotes.x]\r\napp_key = \"k\"\r\nsooner = [2]\r\nemail = \"e\"\r\n";
    assert_eq!(text, expected);
}

#[test]
fn many_writers_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    thread::scope(|scope| {
        for index in 0..25 {
            let store = store(directory.path());
            scope.spawn(move || {
                store
                    .update(|c| c.remotes.insert(format!("r{index}"), Remote::default()))
                    .unwrap();
            });
        }
    });
    assert_eq!(store(directory.path()).load().unwrap().remotes.len(), 25);
}

#[test]
fn files_are_private_and_leave_no_litter() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    store
        .update(|c| c.remotes.insert("x".into(), Remote::default()))
        .unwrap();
    let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode(store.path()), mode(store.path().parent().unwrap())),
        (0o600, 0o700)
    );
    assert_eq!(fs::read_dir(store.path().parent().unwrap()).unwrap().count(), 1);
    fs::set_permissions(store.path(), PermissionsExt::from_mode(0o644)).unwrap();
    assert_eq!(store.repair_permissions(&Config::default()).unwrap().len(), 1);
    assert_eq!(mode(store.path()), 0o600);
}

#[test]
fn a_damaged_file_is_refused_without_showing_it_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path().join("config.toml"), Password::default());
    fs::write(
        store.path(),
        "[remotes.x]\napp_key = \"k\"\nrefresh_token = \"topsecret\n",
    )
    .unwrap();
    let error = store.load().unwrap_err().to_string();
    assert!(
        error.contains("line 3") && !error.contains("topsecret"),
        "{error}"
    );
    assert!(store.update(|c| c.remotes.clear()).is_err());
    assert!(fs::read_to_string(store.path()).unwrap().contains("topsecret"));
}

#[test]
fn a_password_keeps_everything_and_a_wrong_one_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let plain = store(directory.path());
    plain
        .update(|c| c.remotes.insert("x".into(), Remote::default()))
        .unwrap();
    let with = |text: &str| {
        let password = Password::default();
        password.remember(Secret::new(text));
        Store::new(plain.path().to_owned(), password)
    };
    plain.set_password(Some(Secret::new("right"))).unwrap();
    assert!(plain.is_encrypted().unwrap());
    let closed = fs::read(plain.path()).unwrap();
    for change in [
        with("wrong").update(|c| c.remotes.clear()),
        with("wrong").set_password(None),
    ] {
        assert!(matches!(change, Err(ConfigError::Crypt { .. })));
    }
    assert_eq!(fs::read(plain.path()).unwrap(), closed);
    with("right")
        .update(|c| c.remotes.insert("y".into(), Remote::default()))
        .unwrap();
    assert!(plain.is_encrypted().unwrap(), "it stays encrypted");
    with("right").set_password(None).unwrap();
    assert_eq!(plain.load().unwrap().remotes.len(), 2);
}

#[test]
fn a_config_survives_the_round_trip() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    let remote = Remote {
        app_key: "k".into(),
        refresh_token: Some(Secret::new("r\"\\ü")),
        expires_at: Some(5),
        scopes: vec!["a".into()],
        ..Remote::default()
    };
    store
        .update(|c| c.remotes.insert("my box".into(), remote.clone()))
        .unwrap();
    assert_eq!(store.load().unwrap().remotes["my box"], remote);
}
