/** Where things are in this repository, and reading them. */

import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root: string = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')

/** Extracted programs live below this workspace folder, because packages resolve from here. */
export const extractionFolder: string = join(root, 'tools', 'docs', '.extracted')

/** @param path from the repository's root. */
export const textOf = (path: string): Promise<string> => readFile(join(root, path), 'utf8')

/** Paths of all files below `folder` whose name ends with `ending`, from the repository's root, sorted; nothing built or installed. */
export async function filesBelow(folder: string, ending: string): Promise<readonly string[]> {
  const found: string[] = []
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) {
      if (!['node_modules', 'dist', 'peers'].includes(entry.name) && !entry.name.startsWith('.'))
        found.push(...(await filesBelow(path, ending)))
    } else if (entry.name.endsWith(ending)) found.push(path)
  }
  return found.sort()
}
