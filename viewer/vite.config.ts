import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig, type Plugin } from 'vite'

const HERE = import.meta.dirname
const OUT = join(HERE, '../src/gnathos/web')

/** What the build is made from; tests/page compares the same hash with the one that was kept. */
const SOURCES = ['index.html', 'package-lock.json', 'src', 'svelte.config.js', 'tsconfig.json', 'vite.config.ts']

function filesBelow(path: string): string[] {
  const entries = readdirSync(path, { withFileTypes: true })
  return entries.flatMap((each) =>
    each.isDirectory() ? filesBelow(join(path, each.name)) : [join(path, each.name)],
  )
}

function hashOfSources(): string {
  const files = SOURCES.flatMap((name) => (name === 'src' ? filesBelow(join(HERE, name)) : [join(HERE, name)]))
  const hash = createHash('sha256')
  for (const name of files.map((file) => relative(HERE, file)).sort()) {
    hash.update(`${name}\0`).update(createHash('sha256').update(readFileSync(join(HERE, name))).digest('hex'))
  }
  return hash.digest('hex')
}

function keepHashOfSources(): Plugin {
  return {
    name: 'keep-hash-of-sources',
    apply: 'build',
    buildStart: () => rmSync(join(OUT, 'assets'), { recursive: true, force: true }),
    closeBundle: () => writeFileSync(join(OUT, 'sources.sha256'), `${hashOfSources()}\n`),
  }
}

export default defineConfig({
  base: './',
  resolve: { alias: [{ find: /^numcodecs\/.*$/, replacement: join(HERE, 'src/result/no-codec.ts') }] },
  plugins: [svelte(), keepHashOfSources()],
  build: {
    outDir: OUT,
    emptyOutDir: false, // the package's __init__.py lives there
    target: 'es2022',
    assetsInlineLimit: 0, // the security policy allows files only
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 4000, // the viewer, which is loaded with the first result
  },
})
