"use strict";
// Light, dark, or the system's theme; stored across pages if the browser allows it.
{
  const THEMES = ["auto", "light", "dark"];
  const root = document.documentElement;

  const stored = () => {
    try {
      return localStorage.getItem("archarena-theme");
    } catch {
      return null;
    }
  };
  const store = (theme) => {
    try {
      localStorage.setItem("archarena-theme", theme);
    } catch {
      // The theme still changes, but it is not stored.
    }
  };
  const apply = (theme) => {
    root.dataset.theme = THEMES.includes(theme) ? theme : "auto";
  };

  apply(stored());
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const label = () => (button.textContent = `Theme: ${root.dataset.theme}`);
    button.hidden = false;
    label();
    button.addEventListener("click", () => {
      apply(THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length]);
      store(root.dataset.theme);
      label();
    });
  });
}
