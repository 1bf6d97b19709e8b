import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readSurroundings } from '../../../config/env.ts'
import { git } from '../../../lib/git/git.ts'
import type { OwnRepository, SnapshotOptions } from './own-repository.ts'
import { readText } from './read-text.ts'

/**
 * The file of patterns that the user's git ignores everywhere (`core.excludesFile` in git-config(1)), if there
 * is one: of the user's settings nothing else is read. git is asked only where a file of settings may name it.
 */
export async function excludesFile(
  folder: string,
  own: OwnRepository | undefined,
  options: SnapshotOptions,
): Promise<string | undefined> {
  const { home, configHome = join(home, '.config') } = readSurroundings()
  // The first that names one decides.
  const files = [
    ...(own ? [join(dirname(own.objects[0]), 'config')] : []),
    join(home, '.gitconfig'),
    join(configHome, 'git', 'config'),
    '/etc/gitconfig',
  ]
  for (const file of files) {
    const text = readText(file) ?? ''
    if (!/excludesfile|\[\s*include/i.test(text)) continue
    const ask = ['config', '--file', file, '--includes', '--type=path']
    const named = await git([...ask, '--get', 'core.excludesFile'], { ...options, cwd: folder })
      .then((found) => found.trim())
      .catch(() => '')
    options.signal.throwIfAborted()
    if (named !== '') return named
  }
  const usual = join(configHome, 'git', 'ignore')
  return existsSync(usual) ? usual : undefined
}
