//! The `ergodic` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    ergodic_cli::run(std::env::args_os())
}
