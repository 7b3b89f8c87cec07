/** `ockam environment` */

import type { CommandDefinition } from '../program/command.ts'
import { VARIABLES } from '../program/variable.ts'

/** Shown as set or not; their values are secret. */
const SECRET: ReadonlySet<string> = new Set(['OCKAM_VAULT_PASSPHRASE'])

export const environment: CommandDefinition = {
  name: 'environment',
  summary: 'List the environment variables this command looks at',
  examples: ['ockam environment'],
  async run(_, { terminal, environment: values }) {
    const rows = VARIABLES.map(({ name, description }) => ({ name, description, value: valueOf(name, values[name]) }))
    const columns = [
      { title: 'NAME', value: (row: (typeof rows)[number]) => row.name },
      { title: 'VALUE', value: (row: (typeof rows)[number]) => row.value ?? '' },
      { title: 'MEANING', value: (row: (typeof rows)[number]) => row.description },
    ]
    await terminal.table(rows, columns, (row) => row, '')
  },
}

function valueOf(name: string, value: string | undefined): string | null {
  if (value === undefined || value === '') return null
  return SECRET.has(name) ? '(set)' : value
}
