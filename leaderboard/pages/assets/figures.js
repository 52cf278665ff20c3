"use strict";
// Saves a chart as SVG or PNG, as it is shown: with the colors of the page, and as it was explored.
{
  const PROPERTIES = [
    "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "opacity", "font-family",
    "font-size", "font-weight", "text-anchor", "dominant-baseline", "visibility",
  ];
  const SCALE = 2;

  // The page's style sheet and its variables do not travel with a copy, so every element gets their values.
  const drawingOf = (figure) => {
    const svg = [...figure.querySelectorAll("svg")].find((one) => one.getBoundingClientRect().width > 0);
    const { width, height } = svg.getBoundingClientRect();
    const copy = svg.cloneNode(true);
    const copies = [copy, ...copy.querySelectorAll("*")];
    [svg, ...svg.querySelectorAll("*")].forEach((element, index) => {
      const style = getComputedStyle(element);
      copies[index].removeAttribute("style");
      for (const name of PROPERTIES) copies[index].setAttribute(name, style.getPropertyValue(name));
    });
    if (!copy.getAttribute("viewBox")) copy.setAttribute("viewBox", `0 0 ${width} ${height}`);
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    copy.setAttribute("width", width);
    copy.setAttribute("height", height);
    const paper = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    paper.setAttribute("width", "100%");
    paper.setAttribute("height", "100%");
    paper.setAttribute("fill", getComputedStyle(document.body).backgroundColor);
    copy.prepend(paper);
    return { text: new XMLSerializer().serializeToString(copy), width, height };
  };

  const save = (blob, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };

  const savers = {
    svg: async ({ text }, name) => save(new Blob([text], { type: "image/svg+xml" }), name),
    png: async ({ text, width, height }, name) => {
      const image = new Image();
      image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
      await image.decode();
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [SCALE * width, SCALE * height];
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => save(blob, name), "image/png");
    },
  };

  for (const figure of document.querySelectorAll("figure")) {
    if (!figure.querySelector("svg")) continue;
    const buttons = document.createElement("span");
    buttons.className = "save";
    for (const format of Object.keys(savers)) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = format.toUpperCase();
      button.title = `Save this chart as ${format.toUpperCase()}`;
      button.addEventListener("click", () => savers[format](drawingOf(figure), `${figure.id || "chart"}.${format}`));
      buttons.append(button);
    }
    figure.append(buttons);
  }
}
