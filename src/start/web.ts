import { join } from 'node:path'
import { listen } from '../http/server.ts'
import { NarwhalError } from '../lib/errors.ts'
import { startWeb } from '../web/web.ts'
import { type Launch, openContext, untilAborted } from './context.ts'
import { createApiServer, openSharedBroker, openStoreOf } from './open-parts.ts'

export const WEB_PORT = 4747

/** `narwhal web`: serves people until the process is asked to end. */
export async function runWeb(launch: Launch): Promise<void> {
  const context = await openContext(launch, 'web')
  const { config, log } = context
  if (!config.dispatcher) {
    throw new NarwhalError(
      'invalid',
      'where is the dispatcher? set NARWHAL_DISPATCHER or --dispatcher to its URL, such as http://127.0.0.1:4748',
    )
  }
  await using stack = new AsyncDisposableStack()
  const broker = stack.use(await openSharedBroker(context))
  const store = stack.use(await openStoreOf(context, undefined))
  const server = await createApiServer(context, { store, broker })
  const uiFolder = join(launch.root, 'ui', 'dist')
  stack.use(
    await startWeb(server, { store, broker, log, uiFolder, dispatcherUrl: config.dispatcher }),
  )
  stack.defer(() => server.close())
  const { host, port = WEB_PORT } = config
  const { url } = await listen(server, { host, port })
  log.info({ url }, 'web is ready')
  await untilAborted(context.signal)
}
