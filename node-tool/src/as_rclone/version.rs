//! `rclone version`.

use shared::version::VERSION;

/// The version of rclone whose command line is answered.
const RCLONE: &str = "1.75.0";

/// Returns what `version` prints: a first line that those who look for rclone's version can read, and then what it really is.
pub fn version() -> String {
    let (kind, machine) = (std::env::consts::OS, go_name(std::env::consts::ARCH));
    format!(
        "rclone v{RCLONE}-node-tool\n\
         - this is: node-tool {VERSION}, called as rclone; it knows Dropbox and local files\n\
         - os/type: {kind}\n\
         - os/arch: {machine}\n"
    )
}

/// Returns Go's name of a machine.
fn go_name(machine: &str) -> &str {
    match machine {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_can_be_parsed_and_the_second_is_honest() {
        let text = version();
        let mut lines = text.lines();
        let first = lines.next().unwrap();
        let numbers = first.strip_prefix("rclone v").unwrap().split_once('-').unwrap().0;
        assert_eq!(
            numbers
                .split('.')
                .filter_map(|part| part.parse::<u32>().ok())
                .count(),
            3
        );
        assert!(lines.next().unwrap().contains("node-tool"), "{text}");
        assert_eq!(go_name("x86_64"), "amd64");
    }
}
