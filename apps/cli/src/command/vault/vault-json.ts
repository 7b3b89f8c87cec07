/** How a vault is printed. */

import type { VaultRecord } from '../../home.ts'

export const vaultJson = ({ name, path, isDefault }: VaultRecord): unknown => ({ name, path, is_default: isDefault })
