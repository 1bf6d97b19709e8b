import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { applyTheme, readTheme } from './parts/theme.ts'

applyTheme(readTheme())
const root = document.getElementById('app')
if (root) createRoot(root).render(<App />)
