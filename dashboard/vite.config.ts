import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

/**
 * The bundle is served under `script-src 'self'; style-src 'self'`: nothing inline (no module preload polyfill, no data: assets), no eval.
 * In development `GAUGELINE_CONFIG` may name the origin whose /config.json the page should use.
 */
export default defineConfig({
  plugins: [vue()],
  define: { __VUE_OPTIONS_API__: 'false', __VUE_PROD_DEVTOOLS__: 'false' },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  server: process.env['GAUGELINE_CONFIG']
    ? { proxy: { '/config.json': process.env['GAUGELINE_CONFIG'] } }
    : {},
})
