import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findTools, versionIn } from './find-tools.ts'
import { knownHoles, type ToolName } from './known-holes.ts'

const MENDED: readonly (readonly [ToolName, string, number])[] = [
  ['runc', '1.1.5', 3],
  ['runc', '1.1.12', 2],
  ['runc', '1.1.15', 2],
  ['runc', '1.2.7', 2],
  ['runc', '1.2.8', 1],
  ['runc', '1.3.2', 2],
  ['runc', '1.3.3', 1],
  ['runc', '1.3.6', 0],
  ['runc', '1.4.0', 1],
  ['runc', '1.4.3', 0],
  ['git', '2.39.5', 1],
  ['git', '2.43.6', 1],
  ['git', '2.43.7', 0],
  ['git', '2.50.0', 1],
  ['git', '2.50.1', 0],
  ['git', '2.51.0', 0],
  ['git', '3.0.0', 0],
  ['bubblewrap', '0.3.3', 1],
  ['bubblewrap', '0.4.0', 2],
  ['bubblewrap', '0.8.0', 1],
  ['bubblewrap', '0.11.1', 2],
  ['bubblewrap', '0.11.2', 1],
  ['bubblewrap', '0.12.0', 0],
  ['crun', '1.8.1', 1],
  ['crun', '1.19.1', 2],
  ['crun', '1.20', 1],
  ['crun', '1.27', 0],
  ['docker', '20.10.24', 2],
  ['docker', '25.0.5', 1],
  ['docker', '24.0.9', 2],
  ['docker', '28.3.0', 1],
  ['docker', '29.5.1', 0],
]

test('RUN-12: versions with known holes are known, line by line', () => {
  for (const [tool, version, count] of MENDED) {
    assert.equal(knownHoles(tool, version).length, count, `${tool} ${version}`)
  }
  assert.match(knownHoles('runc', '1.1.5')[0] ?? '', /^CVE-2024-21626: .* \(patched in 1\.1\.12\)$/)
})

test('RUN-12b: the programs of this machine say their versions', async () => {
  assert.equal(versionIn('git version 2.39.5 (Apple Git-154)\n'), '2.39.5')
  assert.equal(versionIn('Docker version 20.10.24+dfsg1, build 297e128\n'), '20.10.24')
  assert.equal(versionIn('nothing'), undefined)
  const git = (await findTools()).find(({ name }) => name === 'git')
  assert.match(git?.version ?? '', /^\d+\.\d+/)
})
