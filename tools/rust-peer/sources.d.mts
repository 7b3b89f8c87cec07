/**
 * What the Rust peer is made of, as SHA-256 in hexadecimal digits; `peer.version` of the program says what it was built from in the same form.
 * @param root default: the folder of this file.
 */
export function rustPeerSources(root?: string): string
