import assert from 'node:assert/strict'
import { chmod, chown, readdir, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { machineFacts } from './machine-facts.ts'
import { Proofs } from './proofs.ts'

const FACTS = ['filter', { id: 1 }]

test('recalls what was kept for the same facts, also in another process', async () => {
  await using stage = await openStage()
  await stage.open().keep(FACTS, 'proven')
  assert.equal(stage.open().find(['filter', { id: 1 }]), 'proven')
})

test('knows nothing of other facts', async () => {
  await using stage = await openStage()
  await stage.open().keep(FACTS, 'proven')
  assert.equal(stage.open().find(['filter', { id: 2 }]), undefined)
})

test('tries all again when it is to recall nothing, and keeps that', async () => {
  await using stage = await openStage()
  const anew = stage.open(false)
  await anew.keep(FACTS, 'proven')
  assert.equal(anew.find(FACTS), undefined)
  assert.equal(stage.open().find(FACTS), 'proven')
})

test('forgets all', async () => {
  await using stage = await openStage()
  const proofs = stage.open()
  await proofs.keep(FACTS, 'proven')
  await proofs.forget()
  assert.equal(proofs.find(FACTS), undefined)
})

test('removes the proofs of former boots', async () => {
  await using stage = await openStage()
  await stage.open().keep(FACTS, 'proven')
  await writeFile(join(stage.folder, '00000000-former'), '')
  await stage.open().keep(['another'], 'proven')
  const names = await readdir(stage.folder)
  assert.equal(names.length, 2)
  assert.ok(names.every((name) => !name.startsWith('00000000-')))
})

test('counts nothing that another user could have written', async (t) => {
  for (const [what, spoil] of Object.entries(SPOILS)) {
    await using stage = await openStage()
    await stage.open().keep(FACTS, 'proven')
    const [name = ''] = await readdir(stage.folder)
    if (what.startsWith('owned') && process.getuid?.() !== 0) {
      t.diagnostic(`${what}: needs root`)
      continue
    }
    await spoil(join(stage.folder, name), stage.folder)
    assert.equal(stage.open().find(FACTS), undefined, what)
  }
})

test('facts of this machine stay the same from one look to the next', () => {
  assert.deepEqual(machineFacts('/'), machineFacts('/'))
})

test('facts of this machine tell its file systems and its rights apart', () => {
  const text = JSON.stringify(machineFacts('/'))
  assert.notEqual(text, JSON.stringify(machineFacts('/proc')))
  for (const part of ['CapEff', 'NoNewPrivs', 'user:[', 'mnt:[', '/bin/']) {
    assert.ok(text.includes(part), part)
  }
})

const ANOTHER = 65_534

const SPOILS: Readonly<Record<string, (file: string, folder: string) => Promise<unknown>>> = {
  'writable by the group': (file) => chmod(file, 0o620),
  'writable by all': (file) => chmod(file, 0o602),
  'in a folder that all can write to': (_, folder) => chmod(folder, 0o777),
  'owned by another': (file) => chown(file, ANOTHER, ANOTHER),
  'owned by another, its folder': (_, folder) => chown(folder, ANOTHER, ANOTHER),
  'a link': async (file) => {
    await rename(file, `${file}.real`)
    await symlink(`${file}.real`, file)
  },
}

async function openStage() {
  const dir = await tempDir()
  const folder = dir.join('proofs')
  return {
    folder,
    open: (recalls = true) => new Proofs({ folder, place: dir.path, recalls }),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  }
}
