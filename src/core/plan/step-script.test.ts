import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { stepScript } from './step-script.ts'

const env = { PATH: process.env['PATH'] ?? '' }

test('a command runs in its folder, whatever that is called', async () => {
  await using folder = await tempDir()
  const name = `a 'b' $(c)`
  await mkdir(join(folder.path, name))
  const script = stepScript({ command: 'pwd', workingDirectory: name })
  const told = execFileSync('/bin/sh', ['-e', '-c', script], { cwd: folder.path, env })
  assert.ok(told.toString().trim().endsWith(name))
})

test('a folder that is not there ends the step', async () => {
  await using folder = await tempDir()
  const script = stepScript({ command: 'echo here', workingDirectory: 'nowhere' })
  const { status, stdout } = spawnSync('/bin/sh', ['-e', '-c', script], { cwd: folder.path, env })
  assert.notEqual(status, 0)
  assert.equal(stdout.toString(), '')
})

test('another shell gets the very command, ends at the first failure and tells its code', () => {
  const run = (command: string, shell: 'bash' | 'python3') =>
    spawnSync('/bin/sh', ['-e', '-c', stepScript({ command, shell })], { env })
  const quotes = `echo "it's" '$HOME' \\\\ && [[ a == a ]]`
  assert.equal(run(quotes, 'bash').stdout.toString(), `it's $HOME \\\n`)
  const failing = run('false | true\necho not here', 'bash')
  assert.deepEqual([failing.status, failing.stdout.toString()], [1, ''])
  assert.equal(run('import sys\nsys.exit(7)', 'python3').status, 7)
})
