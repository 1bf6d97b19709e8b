import { printJson } from '../../cli/parts/client-command.ts'
import { cleanText } from '../../cli/terminal/clean-text.ts'
import { formatAge } from '../../cli/terminal/format.ts'
import { printTable } from '../../cli/terminal/table.ts'
import { loadConfig } from '../../config/config.ts'
import { readFetchEnv, readSurroundings } from '../../config/env.ts'
import { size } from '../../config/values.ts'
import { CONTAINER_IDS } from '../../core/container-ids.ts'
import { parseImageReference } from '../../core/image-reference.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { importImages } from '../../runner/images/fetch/import-image.ts'
import { type OpenedImages, openImages } from '../../runner/images/open-images.ts'
import { dataFolder, type Launch } from '../context.ts'

/** `narwhal image list` */
export async function listImages(launch: Launch, json: boolean): Promise<void> {
  await using opened = await open(launch)
  const { io } = launch
  const images = await opened.store.list()
  if (json) return printJson(io, { images })
  if (images.length === 0) return note(launch, 'no images')
  const now = io.now()
  await printTable(io, images, [
    { title: 'image', cell: ({ reference }) => cleanText(reference), shrinkTo: 20 },
    { title: 'digest', cell: ({ digest }) => digest.slice('sha256:'.length).slice(0, 12) },
    { title: 'size', cell: ({ bytes }) => inMb(bytes) },
    { title: 'used', cell: ({ usedAt }) => formatAge(usedAt, now) },
    {
      title: '',
      cell: ({ isInUse, isImported }) =>
        [...(isInUse ? ['in use'] : []), ...(isImported ? ['imported'] : [])].join(', '),
    },
  ])
}

/** `narwhal image pull` */
export async function pullImages(launch: Launch, names: readonly string[]): Promise<void> {
  const { signal } = launch.io
  const images = names.map(parseImageReference)
  await using opened = await open(launch)
  const onProgress = (line: string) => note(launch, line)
  for (const image of images) {
    await using held = await opened.images.hold(image, { signal, pull: 'always', onProgress })
    launch.io.stdout.write(`${cleanText(image.full)} ${held.digest}\n`)
  }
}

/** `narwhal image import` */
export async function importImage(
  launch: Launch,
  source: string,
  name: string | undefined,
): Promise<void> {
  const { io } = launch
  const reference = name === undefined ? undefined : parseImageReference(name)
  await using opened = await open(launch)
  const { dockerHost } = readSurroundings()
  const done = await importImages(source, reference, {
    store: opened.store,
    skopeo: opened.skopeo,
    signal: io.signal,
    cwd: io.cwd,
    dockerHost,
    onProgress: (line) => note(launch, line),
  })
  for (const one of done) io.stdout.write(`${cleanText(one)} ${await opened.store.find(one)}\n`)
}

/** `narwhal image rm` */
export async function removeImages(launch: Launch, names: readonly string[]): Promise<void> {
  await using opened = await open(launch)
  for (const name of names) {
    const { full } = parseImageReference(name)
    if (!(await opened.store.remove(full))) {
      throw new NarwhalError('not_found', `image ${full} is not on this machine`)
    }
    launch.io.stdout.write(`Removed ${cleanText(full)}.\n`)
  }
}

/** `narwhal image prune` */
export async function pruneImages(launch: Launch, keep: string): Promise<void> {
  const most = size.safeParse(keep)
  if (!most.success) throw new NarwhalError('invalid', '--keep takes a size such as 10g or 512m')
  await using opened = await open(launch)
  const { removed, bytes } = await opened.store.prune(most.data)
  for (const one of removed) launch.io.stdout.write(`Removed ${cleanText(one)}.\n`)
  launch.io.stdout.write(`${inMb(bytes)} freed.\n`)
}

function open(launch: Launch): Promise<OpenedImages> {
  const { data, 'container-ids': first } = loadConfig(['data', 'container-ids'], launch.flags)
  const dataDir = dataFolder(launch, data)
  const isRoot = process.getuid?.() === 0
  const env = readFetchEnv()
  const ids = { ...CONTAINER_IDS, first }
  return openImages({ dataDir, isRoot, ids, env, mostBytes: Infinity })
}

function note({ io }: Launch, line: string): void {
  io.stderr.write(`${cleanText(line)}\n`)
}

function inMb(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}
