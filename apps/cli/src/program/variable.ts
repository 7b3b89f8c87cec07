/** Environment variables this command looks at. Help, the README and the reference are made from this list. */

export interface Variable {
  readonly name: string
  readonly description: string
}

export const VARIABLES: readonly Variable[] = [
  { name: 'OCKAM_HOME', description: 'folder for everything this command keeps; default ~/.ockam-ts' },
  { name: 'OCKAM_VAULT_PASSPHRASE', description: 'passphrase of vaults that are locked by one' },
  { name: 'OCKAM_VAULT_PASSPHRASE_FILE', description: 'file with that passphrase, readable by you alone' },
  { name: 'OCKAM_VAULT_NEW_PASSPHRASE', description: 'for "vault lock": the passphrase from now on' },
  { name: 'OCKAM_VAULT_NEW_PASSPHRASE_FILE', description: 'file with that passphrase, readable by you alone' },
  { name: 'OCKAM_VAULT_KEY_FILE', description: 'key file of vaults that are locked by one, if it is not where it was made' },
  { name: 'NO_COLOR', description: 'no colours when it is set to anything' },
  { name: 'TERM', description: 'no colours and no moving things when it is "dumb"' },
]
