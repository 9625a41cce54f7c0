//! The version of a build.

/// Version of both programs. A packaged build adds its commit and the day of that commit: `0.1.0 (1db4595a1b2c 2026-11-28)`.
///
/// The packaging script sets `BUILD_VERSION`; a plain `cargo build` has only the number.
pub const VERSION: &str = match option_env!("BUILD_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};
