import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordedIo } from '#root/test/support/cli/recorded-io.ts'
import { findProgram, isRoot } from '#root/test/support/services/programs.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { createProgram, runProgram } from '../../cli/program.ts'
import { writeLayout } from '../../runner/images/fixtures/layouts.fixture.ts'
import { testRegistry } from '../../runner/images/fixtures/registry.fixture.ts'
import { addImageCommands } from './image-commands.ts'

const skip =
  (!isRoot() && 'only root can unpack without a user namespace') ||
  (!findProgram('skopeo') && 'skopeo is not installed (apt: skopeo)')

test('imports, pulls, lists, removes and prunes images by the command line', { skip }, async () => {
  await using dir = await tempDir()
  await using registry = await testRegistry()
  writeLayout(dir.join('layout'), { layers: [[{ name: 'file', data: 'x' }]] })
  const digest = registry.push('app', '1', dir.join('layout'))
  const image = async (...args: string[]) => {
    const io = recordedIo()
    const program = createProgram(io, '0.1.0')
    addImageCommands(program, (flags) => ({ io, root: '/', version: '0.1.0', flags }))
    await runProgram(program, ['image', ...args, '--data', dir.join('data')], io)
    return { out: io.stdout.text, err: io.stderr.text, code: io.exitCode }
  }
  const pulled = `${registry.host}/app:1`
  assert.equal((await image('pull', pulled)).out, `${pulled} ${digest}\n`)
  assert.equal(
    (await image('import', dir.join('layout'), 'team/own')).out,
    `team/own:latest ${digest}\n`,
  )
  const { images } = JSON.parse((await image('list', '--json')).out) as { images: unknown[] }
  assert.equal(images.length, 2)
  assert.match(
    (await image('list')).out,
    /^team\/own:latest +\w{12} +0\.0 MB +just now +imported\n/m,
  )
  assert.equal((await image('prune', '--keep', '1g')).out, '0.0 MB freed.\n')
  assert.match((await image('prune')).out, /^Removed 127\.0\.0\.1:\d+\/app:1\.\n/)
  assert.equal((await image('rm', 'team/own')).out, 'Removed team/own:latest.\n')
  const gone = await image('rm', 'team/own')
  assert.deepEqual(
    [gone.code, gone.err],
    [3, 'narwhal: image team/own:latest is not on this machine\n'],
  )
  assert.equal((await image('list')).err, 'no images\n')
  assert.equal((await image('prune', '--keep', 'much')).code, 2)
})
