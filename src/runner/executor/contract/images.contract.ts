import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { layOut } from '../../../../test/support/services/docker-image.ts'
import { findProgram } from '../../../../test/support/services/programs.ts'
import { uniquePrefix } from '../../../../test/support/services.ts'
import { type TempDir, tempDir } from '../../../../test/support/temp-dir.ts'
import { tarOf } from '../../images/fixtures/layers.fixture.ts'
import { writeLayout } from '../../images/fixtures/layouts.fixture.ts'
import { type TestRegistry, testRegistry } from '../../images/fixtures/registry.fixture.ts'
import type { Executor, SandboxSpec } from '../executor.ts'
import { NOTHING, run } from './contract-fixture.ts'
import { specWithServices } from './services.contract.ts'

export interface ImagesOptions {
  readonly skip: string | false
  /** `dir` is for what the executor stores. */
  readonly open: (instance: string, dir: TempDir) => Promise<Executor>
  /** Whether a job without a login is refused what the runner has fetched with another's. */
  readonly isProvenAnew: boolean
  readonly removeImage: (reference: string) => Promise<void>
}

async function busyboxIn(dir: TempDir): Promise<Buffer> {
  const busybox = findProgram('busybox') ?? ''
  await layOut(dir.join('root'), busybox)
  const args = ['--create', '--owner=0', '--group=0', '--directory', dir.join('root'), '.']
  const options = { encoding: 'buffer', maxBuffer: 64 * 1024 * 1024 } as const
  return (await promisify(execFile)('tar', args, options)).stdout
}

function loginFor({ host }: TestRegistry, name: string, password: string): string {
  const auth = Buffer.from(`${name}:${password}`).toString('base64')
  return JSON.stringify({ auths: { [host]: { auth } } })
}

/** What holds for the images of jobs in every executor that has containers. */
export function imagesContract(name: string, options: ImagesOptions): void {
  const { skip, open, isProvenAnew, removeImage } = options

  test(`${name}: pulls a private image with the job's own login, says so, and asks again when it is to`, {
    skip,
  }, async () => {
    await using dir = await tempDir()
    await using registry = await testRegistry()
    const base = await busyboxIn(dir)
    const push = (version: string) => {
      const layout = dir.join(uniquePrefix('layout-'))
      const top = tarOf([{ name: 'version', data: version }])
      writeLayout(layout, { layers: [base, top], config: { Cmd: ['sh'] } })
      return registry.push('team/app', '1', layout)
    }
    registry.locked.set('team/app', { name: 'ann', password: 'right' })
    push('one')
    const image = `${registry.host}/team/app:1`
    await using executor = await open(uniquePrefix(), dir)
    const said: string[] = []
    const box = async (more: Partial<SandboxSpec>) => {
      const onProgress = (line: string) => void said.push(line)
      const { spec } = await specWithServices(dir, image, { onProgress, ...more })
      return await executor.open(spec, NOTHING)
    }
    const refused = async (more: Partial<SandboxSpec>, words: RegExp) =>
      assert.rejects(box(more), (error: Error & { code: string }) => {
        assert.equal(error.code, 'not_found', error.message)
        assert.match(error.message, words)
        return true
      })
    const own = { registryLogin: loginFor(registry, 'ann', 'right') }
    const version = async (more: Partial<SandboxSpec>) => {
      await using opened = await box(more)
      return (await run(opened, 'cat /version')).stdout
    }
    try {
      await refused({}, /can't be pulled/)
      await refused({ registryLogin: loginFor(registry, 'ann', 'wrong') }, /can't be pulled/)
      await refused({ ...own, pull: 'never' }, /`pull: never`/)
      said.length = 0
      assert.equal(await version(own), 'one')
      assert.equal(said[0], `pulling ${image}`)
      assert.ok(said.includes('layer 2 of 2 is unpacked'), said.join('\n'))
      if (isProvenAnew) {
        await refused({}, /can't be pulled/)
        await refused({ pull: 'never' }, /not on this machine/)
      }
      const digest = push('two')
      assert.equal(await version(own), 'one')
      assert.equal(await version({ ...own, pull: 'never' }), 'one')
      await using newest = await box({ ...own, pull: 'always' })
      assert.equal((await run(newest, 'cat /version')).stdout, 'two')
      assert.deepEqual(newest.images, [{ image, digest }])
    } finally {
      await removeImage(image)
    }
  })
}
