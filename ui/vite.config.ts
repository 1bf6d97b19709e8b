import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { compressAssets } from './compress.ts'

/** `npm run dev` shows the pages with the data of a Narwhal that runs on its usual port. */
const NARWHAL = 'http://127.0.0.1:4747'

export default defineConfig({
  plugins: [
    react(),
    {
      name: 'compress',
      apply: 'build',
      closeBundle: () => compressAssets(new URL('dist/assets', import.meta.url).pathname),
    },
  ],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // The server's Content-Security-Policy allows nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      '/api': { target: NARWHAL, changeOrigin: true, ws: true, rewriteWsOrigin: true },
    },
  },
})
