import { registerHooks } from 'node:module'
import { applyEdits, type Edit } from './edit.ts'

/**
 * `node --import …/plant.ts`: has Node read some sources of Narwhal with edits, which stand as JSON in
 * PLANTED_EDITS. Threads inherit it. Nothing of this is in the product.
 */
const root = new URL('../../../', import.meta.url)
const edits = JSON.parse(process.env['PLANTED_EDITS'] ?? '[]') as readonly Edit[]
const byUrl = Map.groupBy(edits, ({ file }) => new URL(file, root).href)

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    const own = byUrl.get(url)
    if (!own) return loaded
    const { source } = loaded
    const text = typeof source === 'string' ? source : Buffer.from(source as Uint8Array).toString()
    return { ...loaded, source: applyEdits(text, own) }
  },
})
