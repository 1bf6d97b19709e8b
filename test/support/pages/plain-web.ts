import { openWebStage, type WebStage } from '../web-stage.ts'
import { uiFolder } from './browser.ts'

/** A web server with the pages over an empty store, without throttling or sign-in. */
export function openPlainWeb(): Promise<WebStage> {
  return openWebStage({
    uiFolder,
    prepare: (server) => {
      server.get('/api/v1/queue', async () => ({ jobs: [], total: 0 }))
      server.get('/api/v1/session', async () => ({ role: 'admin', canLeave: false }))
    },
  })
}
