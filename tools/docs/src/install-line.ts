/** What a README tells readers to install, and what its examples import. */

import { blocksOf } from './document.ts'

/** Packages of all `npm install` commands in blocks for a shell, without their versions. */
export function installed(markdown: string, name: string): ReadonlySet<string> {
  const names = new Set<string>()
  for (const { language, code } of blocksOf(markdown, name)) {
    if (language !== 'sh' && language !== 'bash') continue
    for (const [, packages] of code.matchAll(/^npm install (.+)$/gm)) {
      for (const word of (packages as string).split(/\s+/)) if (!word.startsWith('-')) names.add(word.replace(/(?<=.)@[^/]*$/, ''))
    }
  }
  return names
}

/** Packages that the `ts` blocks import, those that do not run included; neither Node's own modules nor the document's files. */
export function imported(markdown: string, name: string): ReadonlySet<string> {
  const names = new Set<string>()
  for (const { language, code } of blocksOf(markdown, name)) {
    if (language !== 'ts') continue
    for (const [, specifier] of code.matchAll(/\b(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)) {
      const module = specifier as string
      if (/^(?:\.|node:)/.test(module)) continue
      const parts = module.split('/')
      names.add(parts.slice(0, module.startsWith('@') ? 2 : 1).join('/'))
    }
  }
  return names
}
