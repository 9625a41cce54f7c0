//! rclone's flags of single services.

use super::{Fate, Flag, Guard::Removal, Value, switch, value};

const BATCHES: &str = "batches are as full as Dropbox allows, and each outcome is waited for";
const APP: &str = "a remote keeps the app that it was connected with";
const APP_INSTEAD: &str = "connect another remote: node-tool config create NAME --app-key KEY";
const ADDRESS: &str = "logins and calls go to Dropbox itself";

/// Flags of Dropbox.
pub(super) const DROPBOX: &[Flag] = &[
    value("dropbox-auth-url").refused(ADDRESS, ""),
    value("dropbox-batch-mode").harmless(BATCHES),
    value("dropbox-batch-size").harmless(BATCHES),
    value("dropbox-batch-timeout").harmless(BATCHES),
    value("dropbox-chunk-size").harmless("the size of chunks adapts to the link"),
    switch("dropbox-client-credentials").refused(APP, APP_INSTEAD),
    value("dropbox-client-id").refused(APP, APP_INSTEAD),
    value("dropbox-client-secret").refused(
        "no secret is needed, and all users of this machine could read it",
        APP_INSTEAD,
    ),
    value("dropbox-description").harmless("it describes a remote of an rclone.conf"),
    value("dropbox-encoding").refused(
        "names are mapped in one way, or not at all",
        "--encode-names maps them as rclone does by default",
    ),
    value("dropbox-export-formats"),
    value("dropbox-impersonate"),
    value("dropbox-impersonate-admin").refused("an admin works as one member at a time", "--as-member EMAIL"),
    value("dropbox-pacer-min-sleep")
        .harmless("calls wait as long as Dropbox asks; --tpslimit limits their rate"),
    value("dropbox-root-namespace").refused(
        "a path says where it starts",
        "dbx:X is below your own folder, and dbx:/X at the root of the team",
    ),
    switch("dropbox-shared-files").refused(
        "a file that others share has an address of its own",
        "node-tool shared list shows it, and copy takes it",
    ),
    switch("dropbox-shared-folders").refused(
        "a shared folder is reached by its name, mounted or not",
        "node-tool shared list shows what to type: dbx:{Folder}",
    ),
    switch("dropbox-show-all-exports").refused(
        "a cloud document has the name of its first export",
        "choose it with --export-formats",
    ),
    switch("dropbox-skip-exports").guard(Removal).refused(
        "cloud documents are listed as their exports",
        "--exclude '*.{html,md}' leaves such names out",
    ),
    switch("dropbox-skip-shared-folders").guard(Removal),
    switch("dropbox-skip-unowned-folders").guard(Removal),
    value("dropbox-token").refused(
        "all users of this machine can read a command line",
        "NODE_TOOL_ACCESS_TOKEN holds a token, or a remote: node-tool config create NAME --token-stdin",
    ),
    value("dropbox-token-url").refused(ADDRESS, ""),
];

/// Flags of local files.
pub(super) const LOCAL: &[Flag] = &[
    switch("copy-links").short('L'),
    switch("skip-links"),
    switch("skip-specials").harmless("pipes, sockets and devices are left out, and named"),
    switch("one-file-system").short('x').guard(Removal),
    switch("local-case-insensitive").refused(
        "a file system's own rules count",
        "--ignore-case-sync compares names without their case",
    ),
    switch("local-case-sensitive").refused("a file system's own rules count", ""),
    value("local-description").harmless("it describes a remote of an rclone.conf"),
    value("local-encoding").refused(
        "local names are as they are",
        "--encode-names maps names for Dropbox",
    ),
    switch("local-fatal-if-no-space").always("a full disk ends the run"),
    value("local-hashes").harmless("the content hash of Dropbox decides"),
    switch("local-links"),
    switch("local-metadata-restore-special-bits").harmless("setuid, setgid and sticky bits are never kept"),
    switch("local-no-check-updated")
        .harmless("a file that changes while it is read is sent again, and reported if it keeps changing"),
    switch("local-no-clone").harmless("nothing is copied within this machine"),
    switch("local-no-preallocate").harmless("a download needs its space anyway"),
    switch("local-no-set-modtime").refused("by its time the next copy knows that a file is unchanged", ""),
    switch("local-no-sparse").harmless("files are not made sparse"),
    switch("local-nounc").harmless("it is about Windows"),
    value("local-time-type")
        .refused("files are compared by their modification times", "")
        .usual("mtime"),
    switch("local-unicode-normalization").harmless("both forms of a letter meet each other anyway"),
    switch("local-zero-size-links").harmless("the size of a symlink is that of its target's name"),
];

/// Flags that begin in the same way, of something that isn't here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Family {
    /// What their names begin with.
    pub prefix: &'static str,
    /// What they are about.
    pub about: &'static str,
    /// What becomes of them.
    pub fate: Fate,
}

const fn service(prefix: &'static str, about: &'static str) -> Family {
    let fate = Fate::Harmless("no place here is of that kind, and rclone ignores it then, too");
    Family { prefix, about, fate }
}

const fn control(prefix: &'static str, about: &'static str) -> Family {
    let fate = Fate::Harmless("it is not turned on, and rclone ignores it then, too");
    Family { prefix, about, fate }
}

const fn mounted(prefix: &'static str, about: &'static str) -> Family {
    let (why, instead) = (
        "nothing is mounted or served here",
        "leave it out, as rclone's other verbs want it",
    );
    let fate = Fate::Refused { why, instead };
    Family { prefix, about, fate }
}

/// Flags of other services, and of what is served.
pub(crate) const FAMILIES: &[Family] = &[
    service("alias-", "rclone's aliases of remotes"),
    service("archive-", "rclone's archives as remotes"),
    service("azureblob-", "Microsoft Azure Blob Storage"),
    service("azurefiles-", "Microsoft Azure Files"),
    service("b2-", "Backblaze B2"),
    service("box-", "Box"),
    service("cache-", "rclone's cache of a remote"),
    service("chunker-", "rclone's split files"),
    service("cloudinary-", "Cloudinary"),
    service("combine-", "rclone's combined remotes"),
    service("compress-", "rclone's compressed remotes"),
    service("crypt-", "rclone's encrypted remotes"),
    service("doi-", "DOI data sets"),
    service("drime-", "Drime"),
    service("drive-", "Google Drive"),
    service("fichier-", "1Fichier"),
    service("filefabric-", "Enterprise File Fabric"),
    service("filelu-", "FileLu"),
    service("filen-", "Filen"),
    service("filescom-", "Files.com"),
    service("ftp-", "FTP"),
    service("gcs-", "Google Cloud Storage"),
    service("gofile-", "Gofile"),
    service("gphotos-", "Google Photos"),
    service("hasher-", "rclone's checksums for other remotes"),
    service("hdfs-", "the Hadoop file system"),
    service("hidrive-", "HiDrive"),
    service("http-", "HTTP servers as remotes"),
    service("huaweidrive-", "Huawei Drive"),
    service("iclouddrive-", "iCloud Drive"),
    service("imagekit-", "ImageKit.io"),
    service("internetarchive-", "the Internet Archive"),
    service("internxt-", "Internxt Drive"),
    service("jottacloud-", "Jottacloud"),
    service("koofr-", "Koofr"),
    service("linkbox-", "Linkbox"),
    service("mailru-", "Mail.ru Cloud"),
    service("mega-", "Mega"),
    service("memory-", "rclone's remotes in memory"),
    service("netstorage-", "Akamai NetStorage"),
    service("onedrive-", "Microsoft OneDrive"),
    service("oos-", "Oracle Object Storage"),
    service("opendrive-", "OpenDrive"),
    service("pcloud-", "pCloud"),
    service("pikpak-", "PikPak"),
    service("pixeldrain-", "Pixeldrain"),
    service("premiumizeme-", "premiumize.me"),
    service("protondrive-", "Proton Drive"),
    service("putio-", "Put.io"),
    service("qingstor-", "QingCloud Object Storage"),
    service("quatrix-", "Quatrix"),
    service("s3-", "S3 and what speaks like it"),
    service("seafile-", "Seafile"),
    service("sftp-", "SFTP"),
    service("shade-", "Shade"),
    service("sharefile-", "Citrix ShareFile"),
    service("sia-", "Sia"),
    service("smb-", "SMB"),
    service("storj-", "Storj"),
    service("sugarsync-", "SugarSync"),
    service("swift-", "OpenStack Swift"),
    service("ulozto-", "Uloz.to"),
    service("union-", "rclone's unions of remotes"),
    mounted("vfs-", "a remote that is mounted or served"),
    service("webdav-", "WebDAV"),
    service("yandex-", "Yandex Disk"),
    service("zoho-", "Zoho WorkDrive"),
    control("metrics-", "rclone's metrics"),
    control("rc-", "rclone's remote control"),
];

/// Returns the family of a flag.
pub(crate) fn family(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| name.starts_with(family.prefix))
}

/// All flags of the families that every verb takes: `NAME`, or `NAME=` if it needs a value. `tests/peers/rclone_names.py` makes it.
const OF_SERVICES: &str = include_str!("services-1.75.txt");

/// Returns what follows a flag of a family. `None` if rclone has no such flag.
pub(crate) fn value_of_service(name: &str) -> Option<Value> {
    OF_SERVICES.lines().find_map(|line| match line.strip_suffix('=') {
        Some(known) => (known == name).then_some(Value::Needed),
        None => (line == name).then_some(Value::Switch),
    })
}

#[cfg(test)]
pub(crate) fn names_of_services() -> impl Iterator<Item = &'static str> {
    OF_SERVICES.lines().map(|line| line.trim_end_matches('='))
}
