// Runs before the first paint, so that a stored choice of theme never flashes in the other one.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem("twin.theme");
  } catch (error) {
    // A browser that keeps nothing for this page follows the system.
  }
  var dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
