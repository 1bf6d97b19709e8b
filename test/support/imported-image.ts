import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { CONTAINER_IDS } from '../../src/core/container-ids.ts'
import { parseImageReference } from '../../src/core/image-reference.ts'
import { findRuntime } from '../../src/runner/executor/oci/runtime/find-runtime.ts'
import { importImages } from '../../src/runner/images/fetch/import-image.ts'
import { writeLayout } from '../../src/runner/images/fixtures/layouts.fixture.ts'
import { openImages } from '../../src/runner/images/open-images.ts'
import { layOut, TEST_IMAGE } from './services/docker-image.ts'
import { findProgram } from './services/programs.ts'
import { tempDir } from './temp-dir.ts'

const run = promisify(execFile)

/** Why no whole Narwhal can run jobs by `oci:` here; false if it can. */
export async function withoutContainers(): Promise<string | false> {
  if (!findProgram('busybox')) return 'busybox is not installed (apt: busybox-static)'
  if (!findProgram('skopeo')) return 'skopeo is not installed (apt: skopeo)'
  await using dir = await tempDir()
  const isRoot = process.getuid?.() === 0
  const ids = isRoot ? { firstId: CONTAINER_IDS.first } : {}
  const found = await findRuntime({ folder: dir.join('trial'), ...ids })
  return typeof found === 'string' && found
}

/** Imports the test image into a runner's data folder, as `narwhal image import` does; resolves to its digest. */
export async function importTestImage(dataDir: string): Promise<string> {
  await using dir = await tempDir()
  await layOut(dir.join('root'), findProgram('busybox') ?? '')
  const files = ['--create', '--owner=0', '--group=0', '--directory', dir.join('root'), '.']
  await run('tar', [...files, '--file', dir.join('layer.tar')])
  const config = { Cmd: ['/bin/sh'] }
  writeLayout(dir.join('layout'), { layers: [await readFile(dir.join('layer.tar'))], config })
  const isRoot = process.getuid?.() === 0
  const ids = isRoot ? CONTAINER_IDS : { ...CONTAINER_IDS, first: 0 }
  const env = { HOME: dir.path }
  await using opened = await openImages({ dataDir, isRoot, ids, env, mostBytes: Infinity })
  const { store, skopeo, images } = opened
  const signal = new AbortController().signal
  const options = { store, skopeo, signal, cwd: '/', onProgress: () => {} }
  const reference = parseImageReference(TEST_IMAGE)
  await importImages(dir.join('layout'), reference, options)
  return (await images.find(reference.full)) ?? ''
}
