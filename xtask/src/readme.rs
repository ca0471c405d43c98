//! `cargo xtask readme`: runs every command of `README.md`, so that none of them can rot.
//!
//! Commands stand in fenced blocks marked `sh` (every line) or `console` (lines after `$ `, the
//! rest is output). Blocks marked `rust` are doctests of the facade crate. A fence with any other
//! mark than `text`, `toml` or `mermaid` is an error: nothing on the page may go unchecked by
//! accident.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use clap::Args;

/// Options of `cargo xtask readme`.
#[derive(Args)]
pub(crate) struct Options {
    /// A command that has just been run, word for word; it has to be on the page.
    #[arg(long)]
    already_run: Vec<String>,
    /// Print the commands without running them.
    #[arg(long)]
    list: bool,
}

/// How the facade crate turns the page into doctests.
const DOCTESTS: &str = "include_str!(\"../../../README.md\")";

/// Runs the commands in order and stops at the first that fails.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), String> {
    let read = |name: &str| fs::read_to_string(root.join(name)).map_err(|e| format!("{name}: {e}"));
    let page = Page::read(&read("README.md")?)?;
    for command in &options.already_run {
        if !page.commands.contains(command) {
            return Err(format!("README.md does not show `{command}`"));
        }
    }
    if page.rust_blocks > 0 && !read("crates/ergodic/src/lib.rs")?.contains(DOCTESTS) {
        return Err(format!(
            "README.md has {} Rust blocks, but crates/ergodic/src/lib.rs lacks `{DOCTESTS}`",
            page.rust_blocks
        ));
    }
    for picture in &page.pictures {
        if !root.join(picture).is_file() {
            return Err(format!("README.md shows {picture}, which does not exist"));
        }
    }
    for command in &page.commands {
        if options.list {
            println!("{command}");
            continue;
        }
        if options.already_run.contains(command) {
            println!("readme: has just been run: {command}");
            continue;
        }
        println!("readme: $ {command}");
        let start = Instant::now();
        let status = Command::new("bash")
            .args(["-euo", "pipefail", "-c", command])
            .current_dir(root)
            .stdin(Stdio::null())
            .status()
            .map_err(|e| format!("bash: {e}"))?;
        if !status.success() {
            return Err(format!("README.md: `{command}` ended with {status}"));
        }
        println!("readme: done in {:.1} s", start.elapsed().as_secs_f64());
    }
    Ok(())
}

/// What a page asks its reader to do.
#[derive(Debug, Default)]
struct Page {
    commands: Vec<String>,
    pictures: Vec<String>,
    rust_blocks: usize,
}

impl Page {
    fn read(text: &str) -> Result<Self, String> {
        let mut page = Self::default();
        let mut fence: Option<&str> = None;
        let mut unfinished = String::new();
        for (number, line) in text.lines().enumerate() {
            let trimmed = line.trim();
            let Some(mark) = trimmed.strip_prefix("```") else {
                match fence {
                    Some(kind) => page.line(kind, trimmed, &mut unfinished),
                    None => page.pictures.extend(pictures(line)),
                }
                continue;
            };
            if fence.take().is_some() {
                continue;
            }
            let mut words = mark.split(',').map(str::trim);
            let kind = words.next().unwrap_or_default();
            let known = ["sh", "console", "rust", "text", "toml", "mermaid"];
            if !known.contains(&kind) || words.any(|w| w == "ignore") {
                return Err(format!(
                    "README.md:{}: a block marked `{mark}` is not checked; use {}",
                    number + 1,
                    known.join(", ")
                ));
            }
            page.rust_blocks += usize::from(kind == "rust");
            fence = Some(kind);
        }
        match fence {
            Some(kind) => Err(format!("README.md: a block marked `{kind}` is not closed")),
            None => Ok(page),
        }
    }

    /// A line inside a block; one that ends with a backslash goes on in the next.
    fn line(&mut self, kind: &str, line: &str, unfinished: &mut String) {
        let command = match kind {
            "sh" => line,
            "console" if unfinished.is_empty() => match line.strip_prefix("$ ") {
                Some(command) => command,
                None => return,
            },
            "console" => line.strip_prefix("> ").unwrap_or(line),
            _ => return,
        };
        if let Some(start) = command.strip_suffix('\\') {
            unfinished.push_str(start.trim_end());
            unfinished.push(' ');
            return;
        }
        let command = std::mem::take(unfinished) + command;
        // A comment that follows the command belongs to the reader.
        let command = command.split(" #").next().unwrap_or_default().trim();
        if !command.is_empty() && !command.starts_with('#') {
            self.commands.push(command.to_owned());
        }
    }
}

/// The local files that `![…](file)` shows.
fn pictures(line: &str) -> Vec<String> {
    line.split("![")
        .skip(1)
        .filter_map(|rest| rest.split_once("](")?.1.split_once(')'))
        .map(|(target, _)| target.to_owned())
        .filter(|target| !target.contains("://"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
# Title
![digits](docs/images/a.png) and ![badge](https://example.org/b.svg)
```sh
cargo run --release -- train rbm   # a minute
# only a comment
cargo test \\
  --workspace
```
```console
$ ls crates
core  math
```
```rust
assert!(true);
```
```text
$ not a command
```
";

    #[test]
    fn every_command_of_the_page_is_found() {
        let page = Page::read(PAGE).unwrap();
        let expected = [
            "cargo run --release -- train rbm",
            "cargo test --workspace",
            "ls crates",
        ];
        assert_eq!(page.commands, expected);
        assert_eq!(page.rust_blocks, 1);
        assert_eq!(page.pictures, ["docs/images/a.png"]);
    }

    #[test]
    fn a_block_that_nothing_checks_is_an_error() {
        for page in [
            "```\nx\n```\n",
            "```bash\nx\n```\n",
            "```rust,ignore\nx\n```\n",
            "```sh\nunclosed\n",
        ] {
            assert!(Page::read(page).is_err(), "{page}");
        }
    }

    #[test]
    fn the_readme_of_this_workspace_can_be_read() {
        let text = fs::read_to_string(crate::root().join("README.md")).unwrap();
        let page = Page::read(&text).unwrap();
        for command in ["cargo run --release -- train rbm", "cargo test --workspace"] {
            assert!(page.commands.iter().any(|c| c == command), "{command}");
        }
    }
}
