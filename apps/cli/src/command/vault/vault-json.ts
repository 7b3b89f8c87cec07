/** How a vault is printed. */

import type { VaultRecord } from '../../state/vault-records.ts'

export const vaultJson = ({ name, path, protection, isDefault }: VaultRecord): unknown => ({
  name,
  path,
  protection,
  is_default: isDefault,
})
