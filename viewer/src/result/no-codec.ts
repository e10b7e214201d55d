/** In place of zarr's codecs, a megabyte of WebAssembly that this page never needs and its security policy forbids. */
export default {
  fromConfig(): never {
    throw new Error('Zarr is not read here.')
  },
}
