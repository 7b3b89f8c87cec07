//! Writes into the program the hash of what it is made of, so that a binary of other sources is recognised: `sources.mjs`
//! makes the same of the files. For each, in the order of their paths: path, a zero byte, content, a zero byte.

use sha2::{Digest, Sha256};
use std::path::Path;
use std::{env, fs, io};

const FILES: [&str; 3] = ["Cargo.lock", "Cargo.toml", "build.rs"];

fn main() -> io::Result<()> {
    let root = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let root = Path::new(&root);
    let mut files = FILES.map(String::from).to_vec();
    list(root, "src", &mut files)?;
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        hash.update(&file);
        hash.update([0]);
        hash.update(fs::read(root.join(&file))?);
        hash.update([0]);
    }
    println!("cargo:rustc-env=RUST_PEER_SOURCES={:x}", hash.finalize());
    for watched in FILES.into_iter().chain(["src"]) {
        println!("cargo:rerun-if-changed={watched}");
    }
    Ok(())
}

/// All files below a folder, relative to the root, with forward slashes.
fn list(root: &Path, folder: &str, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|_| io::Error::other("a file name is not UTF-8"))?;
        let path = format!("{folder}/{name}");
        if entry.file_type()?.is_dir() {
            list(root, &path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
