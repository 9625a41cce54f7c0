//! Calls the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    authorizer::main()
}
