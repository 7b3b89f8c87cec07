/** `--timeout <duration>` */

import type { OptionDefinition } from '../program/command.ts'

/** @param fallback shown in help; the node applies it. */
export const timeoutOption = (fallback: string): OptionDefinition => ({
  flags: '--timeout <duration>',
  description: 'how long to wait, such as 5s or 500ms',
  fallback,
})
