import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { readGitEnv } from '../../config/env.ts'
import { requireGit } from './git-version.ts'

test('accepts the installed git, and rejects one that is too old or missing', async () => {
  await requireGit(readGitEnv())
  await using dir = await tempDir()
  const env = { PATH: dir.path }
  await assert.rejects(requireGit(env), { code: 'unavailable', message: /install it/ })
  const answers = {
    'git version 2.36.6': false,
    'git version 1.99.0': false,
    'nothing of use': false,
    'git version 2.37.0': true,
    'git version 2.39.5 (Apple Git-154)': true,
    'git version 3.0.0-rc1': true,
  }
  for (const [says, isWell] of Object.entries(answers)) {
    await writeFile(dir.join('git'), `#!/bin/sh\necho '${says}'\n`)
    await chmod(dir.join('git'), 0o755)
    const checked = requireGit(env)
    if (isWell) await checked
    else {
      await assert.rejects(checked, (error: Error) => {
        return error.message.includes('2.37 or newer') && error.message.includes(says)
      })
    }
  }
})
