//! How an example ends.

use std::process::ExitCode;

/// Prints what came of it, or why nothing did.
pub(crate) fn answer(result: Result<String, String>) -> ExitCode {
    match result {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{}", message.trim_end());
            ExitCode::FAILURE
        }
    }
}
