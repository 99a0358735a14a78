import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import "./styles/tokens.css";
import "./styles/frame.css";
import "./styles/parts.css";
import "./styles/controls.css";
import "./styles/overview.css";
import "./styles/twins.css";
import "./styles/charts.css";
import "./styles/query.css";
import "./styles/connections.css";
import "./styles/violations.css";
import "./styles/changes.css";
import "./styles/alerts.css";
import "./styles/past.css";
import { LanguageProvider } from "./words";

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <LanguageProvider>
      <App />
    </LanguageProvider>
  </StrictMode>,
);
