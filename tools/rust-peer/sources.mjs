// What the Rust peer is made of, as one hash, so that a binary that was built from other sources is recognised.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))

/** Files below a folder, relative to `root`, with forward slashes. */
const filesBelow = (root, folder) =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    return entry.isDirectory() ? filesBelow(root, path) : [path]
  })

/**
 * SHA-256, in hexadecimal digits, of each file in the order of their paths: path, a zero byte, content, a zero byte. `peer.version` of the program says
 * what it was built from in the same form.
 */
export const rustPeerSources = (root = here) => {
  const files = ['Cargo.lock', 'Cargo.toml', 'build.rs'].filter((file) => existsSync(join(root, file)))
  const hash = createHash('sha256')
  // By code units, as the program sorts: never by a language's alphabet.
  for (const file of [...files, ...filesBelow(root, 'src')].sort()) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0')
  }
  return hash.digest('hex')
}
