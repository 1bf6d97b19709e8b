import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { tempDir } from '../../../../test/support/temp-dir.ts'
import { NOTHING, run } from '../contract/contract-fixture.ts'
import { type OciStage, ociSpecIn, ociStages } from './oci-stage.fixture.ts'
import { callProgram } from './runtime/call-program.ts'

const stages = await ociStages()
const machine = process.arch === 'arm64' ? 'arm64' : 'x64'
const GETEUID = { x64: 107, arm64: 175 }[machine]

/** What an ordinary user of a container gets by a set-user-id program of root's, and what root may do. */
const SCRIPT = `
  cp calls /tmp/calls && chmod 4755 /tmp/calls
  echo "user $(su -s /bin/sh nobody -c '/tmp/calls </dev/null' | od -An -tu4 | awk 'NR == 1 { print $1 }')"
  grep -E 'NoNewPrivs|CapBnd' /proc/self/status
  mkdir /tmp/shared && chgrp 4321 /tmp/shared && chmod 2775 /tmp/shared && stat -c %a /tmp/shared
  chroot / true && echo chroot
  true`

async function rightsIn({ open }: OciStage, isStranger: boolean): Promise<readonly string[]> {
  await using dir = await tempDir()
  const spec = { ...(await ociSpecIn(dir.path)), isStranger }
  await writeFile(join(dir.path, 'workspace/calls'), callProgram(machine, [{ number: GETEUID }]))
  await using executor = open()
  await using sandbox = await executor.open(spec, NOTHING)
  const { stdout } = await run(sandbox, SCRIPT)
  return stdout.trim().split('\n')
}

for (const stage of stages) {
  const { name, skip, open } = stage

  test(`${name}: a trusted job has Docker's rights, without one of its marks`, {
    skip,
  }, async () => {
    assert.deepEqual(await rightsIn(stage, false), [
      'user 0',
      // Docker's fourteen, and the mark that steps keep (LINUX_IMMUTABLE).
      'CapBnd:\t00000000a80427fb',
      'NoNewPrivs:\t0',
      '2775',
      'chroot',
    ])
  })

  test(`${name}: is reported as the way of starting containers, once it is known`, {
    skip,
  }, async () => {
    await using executor = open()
    const how = () => executor.containers?.how ?? ''
    assert.equal(how(), '')
    assert.equal(await executor.probe(), '')
    assert.match(how(), new RegExp(`^${name} .*with a user namespace of`))
  })

  test(`${name}: a stranger's job has few, and gains none`, { skip }, async () => {
    assert.deepEqual(await rightsIn(stage, true), [
      'user 65534',
      'CapBnd:\t00000000000004fb',
      'NoNewPrivs:\t1',
      '775',
    ])
  })
}
