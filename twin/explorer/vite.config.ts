import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `npm run dev` serves the source and sends everything that is not the explorer's to a running server.
const server = "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../_explorer",
    emptyOutDir: true,
    target: "es2022",
    // Every asset is a file of its own: a strict content policy needs no data: addresses.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
  },
  server: {
    proxy: {
      "/graphql": { target: server, ws: true, changeOrigin: true },
      "/sparql": { target: server, changeOrigin: true },
    },
  },
});
